import BarChart from '@cloudscape-design/components/bar-chart';

import type { Statistics } from '../../api/schema';
import { chartSeries } from './activity-series';
import { momentText } from './moments';

/** Requests by kind, one bar for each hour or day. */
export default function ActivityChart({ items, by }: Statistics) {
  const moments = items.map((item) => momentText(item.from, by));
  const series = chartSeries(items).map(({ title, counts, color }) => ({
    type: 'bar' as const,
    title,
    color,
    data: moments.map((x, place) => ({ x, y: counts[place] ?? 0 })),
  }));
  return (
    <BarChart
      stackedBars
      hideFilter
      height={220}
      series={series}
      xScaleType="categorical"
      xDomain={moments}
      xTitle={by === 'hour' ? 'Hour' : 'Day (UTC)'}
      yTitle="Number"
      ariaLabel={`Requests by ${by}`}
      yTickFormatter={(value) => (Number.isInteger(value) ? String(value) : '')}
    />
  );
}
