// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMay } from '../../api/grants';
import { useCancelCycle, useResumeCycle, useStartCycle } from '../../api/mutations';
import type { Cycle } from '../../api/types';
import { Icon } from '../../components/Icon';

/** States from which a cycle can go on where it stopped. */
const resumable: Cycle['state'][] = ['interrupted', 'failed', 'cancelled'];

/** Starts a cycle, or stops or resumes the one that is there. */
export function CycleButtons({ cycle }: { cycle: Cycle | undefined }) {
  const may = useMay('scan');
  const start = useStartCycle();
  const cancel = useCancelCycle();
  const resume = useResumeCycle();
  const onError = (e: Error) => notifications.show({ color: 'wine', message: e.message });
  if (!may) return null;
  if (cycle?.state === 'running') {
    return (
      <Button
        variant="default"
        leftSection={<Icon name="stop" size={13} />}
        loading={cancel.isPending}
        onClick={() => cancel.mutate(cycle.id, { onError })}
      >
        Cancel cycle
      </Button>
    );
  }
  return (
    <>
      {cycle && resumable.includes(cycle.state) && (
        <Button
          variant="default"
          loading={resume.isPending}
          onClick={() => resume.mutate(cycle.id, { onError })}
        >
          Resume cycle {cycle.number}
        </Button>
      )}
      <Button
        leftSection={<Icon name="play" size={13} />}
        loading={start.isPending}
        onClick={() => start.mutate([], { onError })}
      >
        Start a cycle
      </Button>
    </>
  );
}
