// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useStartCycle, useSteerCycle } from '../../api/mutations';
import type { Cycle } from '../../api/types';
import { Icon } from '../../components/Icon';

/** Starts a cycle, or stops or resumes the one that is there. */
export function CycleButtons({ cycle }: { cycle: Cycle | undefined }) {
  const start = useStartCycle();
  const steer = useSteerCycle(cycle?.id ?? '');
  const onError = (e: Error) => notifications.show({ color: 'wine', message: e.message });
  if (cycle?.state === 'running') {
    return (
      <Button
        variant="default"
        leftSection={<Icon name="stop" size={13} />}
        loading={steer.isPending}
        onClick={() => steer.mutate('cancel', { onError })}
      >
        Cancel cycle
      </Button>
    );
  }
  return (
    <>
      {cycle?.state === 'interrupted' && (
        <Button
          variant="default"
          loading={steer.isPending}
          onClick={() => steer.mutate('resume', { onError })}
        >
          Resume cycle {cycle.number}
        </Button>
      )}
      <Button
        leftSection={<Icon name="play" size={13} />}
        loading={start.isPending}
        onClick={() => start.mutate(undefined, { onError })}
      >
        Start a cycle
      </Button>
    </>
  );
}
