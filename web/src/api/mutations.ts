// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { type QueryClient, useMutation, useQueryClient } from '@tanstack/react-query';
import { client, ok } from './client';
import { applyCycle } from './live';
import { sessionQuery } from './queries';
import type {
  ActionPatch,
  AssetPatch,
  ExposureChange,
  Import,
  ImportPreview,
  PasswordChange,
  ReviewAnswer,
  ScheduleInput,
  SchedulePatch,
  ScopeInput,
  SignIn,
  TokenInput,
} from './types';

/** Lets the server recognise a repeat of the same write after a lost answer. */
const once = () => ({ headers: { 'Idempotency-Key': crypto.randomUUID() } });
const at = (id: string) => ({ params: { path: { id } } });

function refresh(queries: QueryClient, ...keys: string[]): Promise<void> {
  return queries.invalidateQueries({ predicate: (q) => keys.includes(String(q.queryKey[0])) });
}

const estate = ['overview', 'exposures', 'exposure', 'assets', 'asset', 'actions', 'action'];

/** A write and the parts of the cache that it makes old. */
function useWrite<In, Out>(write: (input: In) => Promise<Out>, ...old: string[]) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: write, onSettled: () => void refresh(queries, ...old) });
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: SignIn) => ok(client.POST('/api/v1/session', { body })),
    onSuccess: (session) => {
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => ok(client.DELETE('/api/v1/session')),
    onSuccess: () => {
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, null);
    },
  });
}

export const useSetPassword = () =>
  useWrite((body: PasswordChange) => ok(client.POST('/api/v1/account/password', { body })), 'session');

export const useChangeState = () =>
  useWrite((body: ExposureChange) => ok(client.PATCH('/api/v1/exposures', { ...once(), body })), ...estate);

export const useUndo = () =>
  useWrite(
    (change: string) => ok(client.POST('/api/v1/changes/{id}/undo', { ...once(), ...at(change) })),
    ...estate,
  );

export const useValidate = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/exposures/{id}/validate', { ...once(), ...at(id) })),
    ...estate,
  );

export const useEditAsset = (id: string) =>
  useWrite(
    (body: AssetPatch) => ok(client.PATCH('/api/v1/assets/{id}', { ...once(), ...at(id), body })),
    ...estate,
  );

export const useEditAction = (id: string) =>
  useWrite(
    (body: ActionPatch) => ok(client.PATCH('/api/v1/actions/{id}', { ...once(), ...at(id), body })),
    'actions',
    'action',
    'overview',
  );

export function useStartCycle() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (scopes: string[]) => ok(client.POST('/api/v1/cycles', { ...once(), body: { scopes } })),
    onSuccess: (cycle) => applyCycle(queries, cycle),
  });
}

export const useCancelCycle = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/cycles/{id}/cancel', { ...once(), ...at(id) })),
    'cycle',
    'cycles',
    'overview',
  );

export const useResumeCycle = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/cycles/{id}/resume', { ...once(), ...at(id) })),
    'cycle',
    'cycles',
    'overview',
  );

export interface Report {
  file: File;
  zone?: string;
  asset?: string;
}

const sendReport = ({ file, zone, asset }: Report, query: { preview: true } | { wait: false }) =>
  ok(
    client.POST('/api/v1/imports', {
      params: { query: { name: file.name, ...(zone && { zone }), ...(asset && { asset }), ...query } },
      body: file as unknown as string,
      bodySerializer: (body: unknown) => body as Blob,
      headers: { 'Content-Type': 'application/octet-stream' },
    }),
  );

/** Hands reports in, one after the other. They are imported without anybody waiting for it. */
export const useImport = () =>
  useWrite(async (reports: Report[]) => {
    const kept: Import[] = [];
    for (const report of reports) kept.push((await sendReport(report, { wait: false })) as Import);
    return kept;
  }, 'imports');

/** Asks what a report would change. Nothing is stored. */
export const usePreview = () =>
  useMutation({
    mutationFn: async (report: Report) => (await sendReport(report, { preview: true })) as ImportPreview,
  });

export const useCancelImport = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/imports/{id}/cancel', { ...once(), ...at(id) })),
    'imports',
    'import',
  );

export const useRetryImport = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/imports/{id}/retry', { ...once(), ...at(id) })),
    'imports',
    'import',
  );

const identities = [...estate, 'reviews', 'merges'];

export const useUndoMerge = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/merges/{id}/undo', { ...once(), ...at(id) })),
    ...identities,
  );

export const useAnswerReview = () =>
  useWrite(
    ({ id, body }: { id: string; body: ReviewAnswer }) =>
      ok(client.POST('/api/v1/reviews/{id}', { ...once(), ...at(id), body })),
    ...identities,
  );

export const useReopenReview = () =>
  useWrite(
    (id: string) => ok(client.POST('/api/v1/reviews/{id}/undo', { ...once(), ...at(id) })),
    ...identities,
  );

export const useCancelJob = () =>
  useWrite((id: string) => ok(client.POST('/api/v1/jobs/{id}/cancel', { ...once(), ...at(id) })), 'jobs');

export const useRetryJob = () =>
  useWrite((id: string) => ok(client.POST('/api/v1/jobs/{id}/retry', { ...once(), ...at(id) })), 'jobs');

export const useCreateSchedule = () =>
  useWrite((body: ScheduleInput) => ok(client.POST('/api/v1/schedules', { ...once(), body })), 'schedules');

export const usePatchSchedule = () =>
  useWrite(
    ({ id, body }: { id: string; body: SchedulePatch }) =>
      ok(client.PATCH('/api/v1/schedules/{id}', { ...once(), ...at(id), body })),
    'schedules',
  );

export const useDeleteSchedule = () =>
  useWrite(
    (id: string) => ok(client.DELETE('/api/v1/schedules/{id}', { ...once(), ...at(id) })),
    'schedules',
  );

/** Makes a scope, or with an id replaces it. */
export const useSaveScope = (id: string | undefined) =>
  useWrite(
    (body: ScopeInput) =>
      id
        ? ok(client.PUT('/api/v1/scopes/{id}', { ...once(), ...at(id), body }))
        : ok(client.POST('/api/v1/scopes', { ...once(), body })),
    'scopes',
  );

export const useDeleteScope = () =>
  useWrite((id: string) => ok(client.DELETE('/api/v1/scopes/{id}', { ...once(), ...at(id) })), 'scopes');

export const useSaveFilter = () =>
  useWrite(
    (body: { name: string; filter: string }) =>
      ok(client.POST('/api/v1/filters', { ...once(), body: { ...body, for: 'exposures' } })),
    'filters',
  );

export const useDeleteFilter = () =>
  useWrite((id: string) => ok(client.DELETE('/api/v1/filters/{id}', { ...once(), ...at(id) })), 'filters');

export const useSyncFeeds = () =>
  useWrite(
    () => ok(client.POST('/api/v1/feeds/sync', { ...once(), body: {} })),
    'overview',
    'exposures',
    'exposure',
  );

export const useCreateToken = () =>
  useWrite((body: TokenInput) => ok(client.POST('/api/v1/tokens', { ...once(), body })), 'tokens');

export const useDeleteToken = () =>
  useWrite((id: string) => ok(client.DELETE('/api/v1/tokens/{id}', { ...once(), ...at(id) })), 'tokens');
