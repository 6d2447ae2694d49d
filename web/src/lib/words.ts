// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

/** What the API's words are called for people. A word that is not here is shown with its underscores as spaces. */

export const bands = ['critical', 'high', 'medium', 'low', 'minimal'] as const;
export type Band = (typeof bands)[number];

export const stages = ['discover', 'identify', 'prioritize', 'remediate', 'validate'] as const;
export type Stage = (typeof stages)[number];

export const stageTitle: Record<Stage, string> = {
  discover: 'Discover',
  identify: 'Identify',
  prioritize: 'Prioritize',
  remediate: 'Remediate',
  validate: 'Validate',
};

/** The states that a person may set; fixed and mitigated need evidence. */
export const settableStates = [
  'open',
  'triaged',
  'in_remediation',
  'fix_claimed',
  'accepted',
  'false_positive',
] as const;

export const actionStates = ['open', 'in_progress', 'done', 'verified', 'dismissed'] as const;

const titles: Record<string, string> = {
  api: 'API',
  dns: 'DNS',
  tls: 'TLS',
  http: 'HTTP',
  iac: 'Infrastructure as code',
  saas: 'SaaS',
  dmz: 'DMZ',
  shadow_it: 'Shadow IT',
  third_party: 'Third party',
  webapp: 'Web app',
  still_there: 'Still there',
  in_progress: 'In progress',
  ip: 'IP',
  fqdn: 'FQDN',
  mac: 'MAC',
  uri: 'URI',
  os: 'OS',
  os_version: 'OS version',
  machine_id: 'Machine id',
  kev: 'KEV',
  epss: 'EPSS',
};

/** "exposed_service" → "Exposed service". */
export function title(word: string | undefined): string {
  if (!word) return 'Not known';
  const known = titles[word];
  if (known) return known;
  const text = word.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const criticalityTitle = ['Not said', '1 low', '2 medium', '3 high', '4 crown jewel'] as const;

/** The band of a risk from 0 to 100, as the server draws it. */
export function bandOf(risk: number): Band {
  if (risk >= 80) return 'critical';
  if (risk >= 60) return 'high';
  if (risk >= 35) return 'medium';
  if (risk >= 10) return 'low';
  return 'minimal';
}
