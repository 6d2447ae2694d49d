// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import {
  Anchor,
  Button,
  createTheme,
  Drawer,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  Modal,
  Paper,
  SegmentedControl,
  Select,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';

const teal: MantineColorsTuple = [
  '#e7f3f2',
  '#cde5e3',
  '#9fcdc9',
  '#6fb6b0',
  '#469f98',
  '#228580',
  '#0c6f6b',
  '#085c5a',
  '#074848',
  '#063637',
];

/** Neutral greys lean towards the ink, so that surfaces and brand are one material. */
const gray: MantineColorsTuple = [
  '#f4f7f6',
  '#ebf0ef',
  '#dfe7e6',
  '#cdd8d7',
  '#b0c0bf',
  '#869a9a',
  '#566b6d',
  '#3f5456',
  '#22373a',
  '#0e2225',
];

const dark: MantineColorsTuple = [
  '#dbe6e5',
  '#bccbcb',
  '#98adae',
  '#728a8c',
  '#3c5457',
  '#2a4043',
  '#1a2d31',
  '#0f1f23',
  '#0b181b',
  '#071114',
];

/** What is moving right now, and nothing else. */
const marigold: MantineColorsTuple = [
  '#fff6e0',
  '#ffeabf',
  '#fdd88a',
  '#fac553',
  '#f5b32a',
  '#e79f0c',
  '#a86c00',
  '#8a5800',
  '#6b4400',
  '#4a2f00',
];

/** The hue of risk: the middle of the ramp in tokens.css, for Mantine's own components. */
const wine: MantineColorsTuple = [
  '#fbeeec',
  '#f5d9d3',
  '#e9b5aa',
  '#dd8f81',
  '#d4776c',
  '#b94a4c',
  '#a33239',
  '#861f31',
  '#66102c',
  '#480720',
];

export const theme = createTheme({
  colors: { teal, gray, dark, marigold, wine },
  primaryColor: 'teal',
  // Fills are lighter on dark pages, so the text on them is ink there.
  variantColorResolver: (input) => ({
    ...defaultVariantColorsResolver(input),
    ...(input.variant === 'filled' && { color: 'var(--gy-on-fill)' }),
  }),
  primaryShade: { light: 6, dark: 4 },
  black: '#0e2225',
  defaultRadius: 4,
  fontFamily: "'Archivo Variable', 'Segoe UI', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, 'Cascadia Mono', monospace",
  headings: { fontFamily: "'Archivo Variable', system-ui, sans-serif", fontWeight: '640' },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  spacing: { xs: '6px', sm: '10px', md: '16px', lg: '24px', xl: '36px' },
  cursorType: 'pointer',
  components: {
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } } },
    Button: Button.extend({ defaultProps: { size: 'xs' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'sm' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'sm' } }),
    Select: Select.extend({ defaultProps: { size: 'sm', allowDeselect: false } }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { size: 'xs' } }),
    Anchor: Anchor.extend({ defaultProps: { underline: 'hover' } }),
    Modal: Modal.extend({
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' } },
      styles: { title: { fontWeight: 640 } },
    }),
    Drawer: Drawer.extend({
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' } },
      styles: { title: { fontWeight: 640 } },
    }),
    Paper: Paper.extend({ defaultProps: { radius: 6 } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, openDelay: 250, fz: 12 } }),
  },
});
