// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import createClient from 'openapi-fetch';
import type { paths } from './schema.gen';

/** What went wrong, as the server says it (RFC 9457), or as the network does. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly places: { location?: string; message?: string }[] = [],
  ) {
    super(message);
    this.name = 'Problem';
  }
}

export const client = createClient<paths>({
  // The page's own address; without one (in tests) a path alone would not be a URL.
  baseUrl: globalThis.location?.origin ?? '',
  querySerializer: { array: { style: 'form', explode: false } },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws a Problem when there is none. */
export async function ok<T>(pending: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await pending;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new Problem(0, 'unavailable', 'The server does not answer. Is gyre serve still running?');
  }
  if (answer.response.ok) return answer.data as T;
  throw problemOf(answer.response, answer.error);
}

function problemOf(response: Response, body: unknown): Problem {
  const p = (typeof body === 'object' && body !== null ? body : {}) as {
    title?: string;
    detail?: string;
    code?: string;
    errors?: { location?: string; message?: string }[];
  };
  const message = p.detail || p.title || `The server answered ${response.status} ${response.statusText}.`;
  return new Problem(response.status, p.code ?? '', message, p.errors ?? []);
}
