// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { type QueryClient, useMutation, useQueryClient } from '@tanstack/react-query';
import { client, ok } from './client';
import { applyCycle } from './live';
import { sessionQuery } from './queries';
import type * as T from './types';

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One write. The key lets the server recognise a repeat of the same write after a lost answer. */
function send<R>(method: Method, path: string, body?: unknown): Promise<R> {
  const call = client[method] as (path: string, init: unknown) => never;
  return ok<R>(call(path, { body, headers: { 'Idempotency-Key': crypto.randomUUID() } }));
}

function refresh(queries: QueryClient, ...keys: string[]): void {
  void queries.invalidateQueries({ predicate: (q) => keys.includes(String(q.queryKey[0])) });
}

const estate = ['overview', 'exposures', 'exposure', 'assets', 'asset', 'actions', 'action'];

export type SignIn = { name: string; password: string } | { one_time_token: string };

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: SignIn) => send<T.Session>('POST', '/api/v1/session', body),
    onSuccess: (session) => {
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => send<void>('DELETE', '/api/v1/session'),
    onSuccess: () => {
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, null);
    },
  });
}

export function useSetPassword() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { current?: string; new: string }) =>
      send<void>('POST', '/api/v1/account/password', body),
    onSuccess: () => refresh(queries, 'session'),
  });
}

export interface StateChange {
  ids: string[];
  state: string;
  reason?: string;
  ends?: string;
}

export function useChangeState() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: StateChange) => send<T.Change>('PATCH', '/api/v1/exposures', body),
    onSettled: () => refresh(queries, ...estate),
  });
}

export function useUndo() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: string) => send<{ changed: number }>('POST', `/api/v1/changes/${change}/undo`),
    onSettled: () => refresh(queries, ...estate),
  });
}

export function useValidate() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => send<T.Verdict>('POST', `/api/v1/exposures/${id}/validate`),
    onSettled: () => refresh(queries, ...estate),
  });
}

export function useEditAsset(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { criticality?: number; owner?: string; tags?: string[] }) =>
      send<unknown>('PATCH', `/api/v1/assets/${id}`, body),
    onSettled: () => refresh(queries, ...estate),
  });
}

export function useEditAction(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { state?: string; owner?: string; due?: string }) =>
      send<unknown>('PATCH', `/api/v1/actions/${id}`, body),
    onSettled: () => refresh(queries, 'actions', 'action', 'overview'),
  });
}

export function useStartCycle() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (scopes?: string[]) => send<T.Cycle>('POST', '/api/v1/cycles', { scopes }),
    onSuccess: (cycle) => applyCycle(queries, cycle),
  });
}

export function useSteerCycle(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (verb: 'cancel' | 'resume') => send<unknown>('POST', `/api/v1/cycles/${id}/${verb}`),
    onSettled: () => refresh(queries, 'cycle', 'cycles', 'overview'),
  });
}

export type ScopeInput = Omit<T.Scope, 'id' | 'created' | 'updated'>;

export function useSaveScope(id: string | undefined) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: ScopeInput) =>
      id ? send<T.Scope>('PUT', `/api/v1/scopes/${id}`, body) : send<T.Scope>('POST', '/api/v1/scopes', body),
    onSuccess: () => refresh(queries, 'scopes'),
  });
}

export function useDeleteScope() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => send<void>('DELETE', `/api/v1/scopes/${id}`),
    onSettled: () => refresh(queries, 'scopes'),
  });
}

export function useSaveFilter() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; filter: string }) =>
      send<T.SavedFilter>('POST', '/api/v1/filters', body),
    onSettled: () => refresh(queries, 'filters'),
  });
}

export function useDeleteFilter() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => send<void>('DELETE', `/api/v1/filters/${id}`),
    onSettled: () => refresh(queries, 'filters'),
  });
}

export function useSyncFeeds() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => send<unknown>('POST', '/api/v1/feeds/sync', {}),
    onSettled: () => refresh(queries, 'overview', 'exposures', 'exposure'),
  });
}

export function useCreateToken() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; scopes: string[]; expires?: string }) =>
      send<{ secret: string }>('POST', '/api/v1/tokens', body),
    onSettled: () => refresh(queries, 'tokens'),
  });
}

export function useDeleteToken() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => send<void>('DELETE', `/api/v1/tokens/${id}`),
    onSettled: () => refresh(queries, 'tokens'),
  });
}
