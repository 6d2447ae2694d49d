// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMay } from '../../api/grants';
import { useAnswerReview, useReopenReview } from '../../api/mutations';
import type { Review } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { day, plural } from '../../lib/format';
import classes from './Identity.module.css';

/** What could be of several assets: each with the likeliest answer, and the others. */
export function Reviews({ reviews }: { reviews: Review[] }) {
  return (
    <ul className={classes.list}>
      {reviews.map((r) => (
        <li key={r.id} className={classes.review}>
          <ReviewView review={r} />
        </li>
      ))}
    </ul>
  );
}

function ReviewView({ review: r }: { review: Review }) {
  const mayWrite = useMay('write');
  const answer = useAnswerReview();
  const reopen = useReopenReview();
  const open = r.state === 'open';
  const say = (body: { answer: 'same' | 'different'; asset?: string }) => answer.mutate({ id: r.id, body });
  return (
    <>
      <div>
        Which asset is{' '}
        <Link to="/assets/$id" params={{ id: r.asset }}>
          {r.asset_name}
        </Link>
        ?
      </div>
      <div className={classes.why}>{r.why}</div>
      <ProblemText error={answer.error ?? reopen.error} />
      {open && mayWrite && (
        <div className={classes.answers}>
          {r.candidates.map((c) => (
            <Button
              key={c.asset}
              variant={c.asset === r.suggestion ? 'filled' : 'default'}
              disabled={answer.isPending}
              onClick={() => say({ answer: 'same', asset: c.asset })}
              title={`Shares ${plural(c.shared, 'identifier')}; last seen there ${day(c.last)}`}
            >
              It is {c.name}
              {c.asset === r.suggestion && ' (suggested)'}
            </Button>
          ))}
          <Button variant="default" disabled={answer.isPending} onClick={() => say({ answer: 'different' })}>
            None of them
          </Button>
        </div>
      )}
      {!open && (
        <div className={classes.answers}>
          <span className={classes.why}>
            {r.state === 'moot'
              ? 'Settled by something learned since'
              : `Answered by ${r.actor}: ${r.answer === 'same' ? 'one of them' : 'none of them'}`}
          </span>
          {r.state === 'answered' && mayWrite && (
            <Button variant="default" loading={reopen.isPending} onClick={() => reopen.mutate(r.id)}>
              Take it back
            </Button>
          )}
        </div>
      )}
    </>
  );
}
