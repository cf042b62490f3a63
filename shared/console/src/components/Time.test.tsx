import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test, vi } from 'vitest';

// The formats take the zone of the process when they are made.
vi.stubEnv('TZ', 'Asia/Tokyo');
const { Time, timeText } = await import('./Time');

/** In Tokyo it is five o'clock on the next day. */
const VALUE = '2026-01-01T20:00:00.5Z';

/** A moment as the reader's language has it, in Tokyo. */
const inTokyo = (timeStyle?: 'short' | 'medium') =>
  new Intl.DateTimeFormat(undefined, {
    dateStyle: 'medium',
    timeStyle,
    hourCycle: 'h23',
    timeZone: 'Asia/Tokyo',
  }).format(new Date(VALUE));

test('a time is shown in the zone of the reader, and in UTC when pointed at', () => {
  const shown = renderToStaticMarkup(<Time value={VALUE} />);
  expect(shown).toContain(`>${inTokyo('short')}</time>`);
  expect(shown).toContain('title="2026-01-01 20:00:00 UTC"');
  expect(renderToStaticMarkup(<Time value={VALUE} dateOnly />)).toContain(`>${inTokyo()}<`);
  expect(inTokyo()).toMatch(/\b2\b/);
});

test('a date in a sentence is of the same zone', () => {
  expect(timeText(VALUE, 'day')).toBe(inTokyo());
  expect(timeText(VALUE, 'minute')).toBe(inTokyo('short'));
});
