// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { components } from './schema.gen';

/** The API's words under their own names. The shapes are generated from openapi.json. */
type S = components['schemas'];

export type Action = S['Action'];
export type ActionDetail = S['ActionDetail'];
export type ActionPatch = S['ActionPatch'];
export type Asset = S['Asset'];
export type AssetDetail = S['AssetDetail'];
export type AssetPatch = S['AssetPatch'];
export type AssetRow = S['AssetRow'];
export type Cycle = S['Cycle'];
export type CycleDetail = S['CycleDetail'];
export type CycleList = S['CycleList'];
export type CycleStage = S['CycleStage'];
export type ExposureChange = S['ExposureChange'];
export type ExposureDetail = S['ExposureDetail'];
export type ExposureRow = S['ExposureRow'];
export type FeedStatus = S['FeedStatus'];
export type GyreEvent = S['Event'];
export type Import = S['Upload'];
export type ImportPreview = S['UploadPreview'];
export type Job = S['Job'];
export type Merge = S['Merge'];
export type Observation = S['Observation'];
export type Overview = S['Overview'];
export type PasswordChange = S['PasswordChange'];
export type Remedy = S['Remedy'];
export type Review = S['Review'];
export type ReviewAnswer = S['ReviewAnswer'];
export type Run = S['Run'];
export type Schedule = S['Schedule'];
export type ScheduleInput = S['ScheduleInput'];
export type SchedulePatch = S['SchedulePatch'];
export type Scope = S['Scope'];
export type ScopeInput = S['ScopeInput'];
export type Score = S['Score'];
export type Session = S['Session'];
export type SignIn = S['SignIn'];
export type Skip = S['Skip'];
export type Step = S['Step'];
export type Tally = S['Tally'];
export type Target = S['Target'];
export type TokenInput = S['TokenInput'];
export type Verdict = S['Verdict'];
export type Worker = S['Worker'];
export type Window = S['Window'];
