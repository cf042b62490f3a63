import {
  colorChartsBlue2600,
  colorChartsGreen500,
  colorChartsOrange500,
  colorChartsPink500,
  colorChartsRed600,
  colorChartsStatusNeutral,
  colorChartsYellow400,
} from '@cloudscape-design/design-tokens';

import type { Statistics } from '../../api/schema';
import { refusalReason } from '../../components/refusals/reasons';
import { DAY, HOUR } from '../../components/time-left';

/** A time that the chart shows, up to now. */
export interface Period {
  id: string;
  text: string;
  by: 'hour' | 'day';
  /** How many hours or days, the current one included. */
  count: number;
}

export const PERIODS: [Period, ...Period[]] = [
  { id: 'day', text: '24 hours', by: 'hour', count: 24 },
  { id: 'week', text: '7 days', by: 'day', count: 7 },
  { id: 'month', text: '31 days', by: 'day', count: 31 },
];

/** The parameters of the request for a period. The API counts in hours and days of UTC. */
export function periodQuery({ by, count }: Period, now: number) {
  const length = by === 'hour' ? HOUR : DAY;
  const from = Math.floor(now / length) * length - (count - 1) * length;
  return { by, from: new Date(from).toISOString(), to: new Date(now).toISOString() };
}

/** A kind of requests with its number in each hour or day. */
export interface Series {
  title: string;
  counts: number[];
}

/** A series in its colour. */
export interface ChartSeries extends Series {
  color: string;
}

// What was issued is cold, what was refused is warm. More reasons than this cannot be told apart.
const ISSUED_COLORS = [colorChartsBlue2600, colorChartsGreen500];
const REFUSED_COLORS = [
  colorChartsRed600,
  colorChartsOrange500,
  colorChartsPink500,
  colorChartsYellow400,
];

/** What the chart shows: certificates that were issued, the most frequent reasons of refusals, and
 *  the other reasons in one. */
export function chartSeries(items: Statistics['items']): ChartSeries[] {
  const reasons = refusalSeries(items);
  const others = reasons.slice(REFUSED_COLORS.length);
  return [
    ...paint(issuedSeries(items), ISSUED_COLORS),
    ...paint(
      reasons.map((series) => ({ ...series, title: `Refused: ${series.title}` })),
      REFUSED_COLORS,
    ),
    ...paint(others.length > 0 ? [{ title: 'Refused: other reasons', counts: sum(others) }] : [], [
      colorChartsStatusNeutral,
    ]),
  ];
}

/** Gives each series a colour, and leaves out those for which there is none. */
function paint(series: Series[], colors: string[]): ChartSeries[] {
  return colors.flatMap((color, place) => {
    const painted = series[place];
    return painted ? [{ ...painted, color }] : [];
  });
}

/** Every kind of requests with its total, for a table. */
export function totals(items: Statistics['items']): { title: string; total: number }[] {
  const named = refusalSeries(items).map(({ title, counts }) => ({
    title: `Refused: ${title}`,
    counts,
  }));
  return [...issuedSeries(items), ...named].map(({ title, counts }) => ({
    title,
    total: total(counts),
  }));
}

/** The number of refusals in an hour or a day. */
export function refusalCount(item: Statistics['items'][number]): number {
  return total(Object.values(item.refusals));
}

/** Whether anything happened. */
export function isEmpty(items: Statistics['items']): boolean {
  return items.every((item) => item.enrolments + item.renewals + refusalCount(item) === 0);
}

function issuedSeries(items: Statistics['items']): Series[] {
  return [
    { title: 'Enrolments', counts: items.map((item) => item.enrolments) },
    { title: 'Renewals', counts: items.map((item) => item.renewals) },
  ];
}

/** The refusals by reason, the most frequent ones first. */
function refusalSeries(items: Statistics['items']): Series[] {
  const codes = new Set(items.flatMap((item) => Object.keys(item.refusals)));
  return [...codes]
    .map((code) => ({
      title: refusalReason(code).title,
      counts: items.map((item) => item.refusals[code] ?? 0),
    }))
    .filter(({ counts }) => total(counts) > 0)
    .sort((a, b) => total(b.counts) - total(a.counts));
}

function sum(series: Series[]): number[] {
  const length = series[0]?.counts.length ?? 0;
  return Array.from({ length }, (_, place) =>
    total(series.map(({ counts }) => counts[place] ?? 0)),
  );
}

function total(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
