// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Job } from '../api/types';

/** Whether a job does nothing more by itself. */
export const jobEnded = (j: Pick<Job, 'state'>): boolean => ['done', 'failed', 'cancelled'].includes(j.state);

/** How far a job is, from 0 to 1; undefined while that is not known. */
export const jobShare = (j: Pick<Job, 'done' | 'total'>): number | undefined =>
  j.total > 0 ? Math.min(1, j.done / j.total) : undefined;
