// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from '../components/Empty';

export function NotFound() {
  return (
    <main>
      <Empty
        title="There is no page at this address"
        text="The address may be misspelt, or what it named is gone."
        action={
          <Button component={Link} to="/">
            Go to the overview
          </Button>
        }
      />
    </main>
  );
}
