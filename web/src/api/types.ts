// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export interface Tally {
  assets: number;
  exposures: number;
  risk: number;
  bands?: Record<string, number>;
  classes?: Record<string, number>;
}
export interface CycleStage {
  stage: string;
  state: string;
  started?: string;
  ended?: string;
  done: number;
  total: number;
  note?: string;
}
export interface Cycle {
  id: string;
  number: number;
  state: string;
  scopes?: string[];
  trigger: string;
  started: string;
  ended?: string;
  stages: CycleStage[];
  before: Tally;
  after: Tally;
  created: number;
  reopened: number;
  closed: number;
  error?: string;
}
export interface Step {
  platform: string;
  text: string;
  commands?: string[];
  config?: string;
  assets?: string[];
}
export interface Action {
  id: string;
  key: string;
  title: string;
  state: string;
  owner?: string;
  due?: string;
  steps: Step[];
  exposures: number;
  assets: number;
  risk_removed: number;
  created: string;
  updated: string;
}
export interface Identifier {
  type: string;
  value: string;
  zone?: string;
}
export interface Asset {
  id: string;
  kind: string;
  name: string;
  zone?: string;
  criticality: number;
  owner?: string;
  tags?: string[];
  attributes?: Record<string, string>;
  identifiers?: Identifier[];
  first_seen: string;
  last_seen: string;
}
export interface AssetRow {
  id: string;
  name: string;
  kind: string;
  zone?: string;
  criticality: number;
  owner?: string;
  tags?: string[];
  exposures: number;
  risk: number;
  max_band?: string;
  last_seen: string;
}
export interface ExposureRow {
  id: string;
  risk: number;
  band: string;
  severity: string;
  class: string;
  state: string;
  title: string;
  weakness: string;
  locus: string;
  asset: { id: string; name: string; kind: string; zone?: string };
  owner?: string;
  kev: boolean;
  epss: number;
  first_seen: string;
  last_seen: string;
  action?: string;
  sources: string[];
}
export interface Evidence {
  summary: string;
  data?: Record<string, unknown>;
}
export interface Observation {
  id: string;
  run: string;
  source: string;
  seen: boolean;
  at: string;
  evidence: Evidence;
}
export interface GyreEvent {
  seq: number;
  at: string;
  object: string;
  id: string;
  kind: string;
  from?: string;
  to?: string;
  actor: string;
  run?: string;
  reason?: string;
  details?: string;
}
export interface Verdict {
  id: string;
  exposure: string;
  run: string;
  method: string;
  outcome: string;
  evidence: Evidence;
  by: string;
  at: string;
}
export interface Factor {
  key: string;
  label: string;
  value: string;
  source: string;
  part: string;
  contribution: number;
}
export interface Score {
  risk: number;
  band: string;
  likelihood: number;
  impact: number;
  factors: Factor[];
}
export interface Remedy {
  kind?: string;
  ecosystem?: string;
  package?: string;
  current?: string;
  fixed?: string;
  location?: string;
  check?: string;
  text?: string;
}
export interface Exposure {
  id: string;
  asset: string;
  weakness: string;
  locus: string;
  aspect: string;
  class: string;
  severity: string;
  state: string;
  state_since: string;
  credentialed: boolean;
  remedy: Remedy;
  first_seen: string;
  last_seen: string;
  fixed_at?: string;
}
export interface Weakness {
  id: string;
  key: string;
  aliases?: string[];
  class: string;
  title: string;
  description?: string;
  severity: string;
  cwes?: string[];
  cvss?: string;
  cvss_score?: number;
  remediation?: string;
  references?: string[];
  published?: string;
}
export interface Intel {
  epss: number;
  epss_percentile: number;
  epss_date?: string;
  kev: boolean;
  kev_added?: string;
  kev_due?: string;
  ransomware: boolean;
  exploit: string;
}
export interface Exception {
  id: string;
  state: string;
  reason: string;
  by: string;
  created: string;
  ends: string;
}
export interface ExposureDetail {
  exposure: Exposure;
  asset: Asset;
  weakness: Weakness;
  intel: Intel;
  score: Score;
  observations: Observation[];
  events: GyreEvent[];
  verdicts: Verdict[];
  action?: Action;
  exception?: Exception;
  runbook?: string[];
}
export interface FeedStatus {
  name: string;
  title: string;
  base: string;
  last_sync?: string;
  data_date?: string;
  records: number;
  error?: string;
  missing?: string;
}
export interface Run {
  id: string;
  cycle?: string;
  scope?: string;
  source: string;
  target?: string;
  status: string;
  started: string;
  ended?: string;
  counts: {
    assets: number;
    new_assets: number;
    components: number;
    facts: number;
    findings: number;
    created: number;
    reopened: number;
    closed: number;
  };
  problems?: { place: string; reason: string }[];
  limits?: string[];
}
export interface Target {
  cidr?: string;
  domain?: string;
  root?: string;
  file?: string;
  zone?: string;
  ports?: string;
  nameserver?: string;
  asset?: string;
  address?: string;
  format?: string;
}
export interface Window {
  days?: string[];
  from: string;
  to: string;
}
export interface Scope {
  id: string;
  name: string;
  description?: string;
  owner?: string;
  worth?: number;
  criticality?: number;
  risk_appetite?: number;
  selector?: string;
  targets: Target[];
  exclusions?: string[];
  inventory?: string[];
  intensity?: string;
  hours?: Window[];
  runbook?: string;
  created: string;
  updated: string;
}
export interface Session {
  account: { id: string; name: string; role: string; must_change: boolean; grants: string[] };
  workspace: { id: string; name: string };
  version: string;
}
export interface Overview {
  tally: Tally;
  previous?: Tally;
  cycle?: Cycle;
  cycles: { id: string; number: number; ended: string; risk: number; exposures: number }[];
  changes: { created: number; closed: number; reopened: number };
  top_actions: Action[];
  feeds: FeedStatus[];
  freshness: string;
}
export interface ExposurePage {
  items: ExposureRow[];
  total: number;
  next?: string;
  facets?: Record<string, { value: string; count: number }[]>;
  risk: number;
  seq: number;
  fresh_at: string;
}
export interface AssetPage {
  items: AssetRow[];
  total: number;
  next?: string;
}
export interface Component {
  id: string;
  purl: string;
  ecosystem: string;
  name: string;
  version: string;
  source?: string;
  location: string;
  first_seen: string;
  last_seen: string;
}
export interface ComponentPage {
  items: Component[];
  total?: number;
  next?: string;
}
export interface Fact {
  aspect: string;
  locus: string;
  data: Record<string, unknown>;
  last_seen?: string;
  source?: string;
}
export interface AssetName {
  id: string;
  name: string;
  kind: string;
  zone?: string;
}
export interface AssetDetail {
  asset: Asset;
  scopes: { id: string; name: string }[];
  facts: { aspect: string; locus: string; credentialed: boolean; data: Record<string, unknown> }[];
  exposures: { count: number; risk: number; max_band?: string };
  relations: { from: AssetName; to: AssetName; type: string; last_seen: string }[];
  components: number;
}
export interface ActionList {
  items: Action[];
  total: number;
}
export interface ActionDetail {
  action: Action;
  exposures: ExposureRow[];
  runbook?: string[];
}
export interface CycleDiff {
  risk: { from: number; to: number };
  created: ExposureRow[];
  closed: ExposureRow[];
  reopened: ExposureRow[];
}
export interface SavedFilter {
  id: string;
  name: string;
  filter: string;
}
export interface FilterSchema {
  fields: { name: string; type: string; doc: string; values?: string[] }[];
  functions: { name: string; doc: string }[];
}
export interface Token {
  id: string;
  name: string;
  scopes: string[];
  created: string;
  expires?: string;
  last_used?: string;
}
export interface Change {
  change: string;
  changed: number;
  skipped?: { id: string; reason: string }[];
}
