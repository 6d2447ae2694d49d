// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { overviewQuery } from '../../api/queries';
import { Empty } from '../../components/Empty';

interface NoExposuresProps {
  filter: string;
  onChange: (filter: string) => void;
}

/** An empty list means one of three things, and each has another way out. */
export function NoExposures({ filter, onChange }: NoExposuresProps) {
  const { data } = useQuery(overviewQuery);
  if (data && !data.cycle) {
    return (
      <Empty
        small
        title="Nothing has been looked at yet"
        text="Say in a scope what belongs to you, then start a cycle. A report of another tool can be brought in with gyre import."
        action={
          <>
            <Button component={Link} to="/scopes">
              Go to scopes
            </Button>
            <Button component={Link} to="/cycles" variant="default">
              Go to cycles
            </Button>
          </>
        }
      />
    );
  }
  if (filter !== '') {
    return (
      <Empty
        small
        title="No exposure passes this filter"
        text={<code className="gy-mono">{filter}</code>}
        action={
          <Button variant="default" onClick={() => onChange('')}>
            Show every exposure
          </Button>
        }
      />
    );
  }
  return (
    <Empty small title="No exposures" text="What the last cycle looked at has none that Gyre knows of." />
  );
}
