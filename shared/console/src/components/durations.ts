const UNITS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];

const DURATION =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** An ISO 8601 duration in words: `P1DT2H` as "1 day 2 hours"; `undefined` if it is none. */
export function durationInWords(duration: string): string | undefined {
  const numbers = DURATION.exec(duration.trim().toUpperCase())?.slice(1);
  const words = numbers?.flatMap((number: string | undefined, at) => {
    const unit = UNITS[at] ?? '';
    return number === undefined
      ? []
      : [`${Number(number)} ${unit}${Number(number) === 1 ? '' : 's'}`];
  });
  return words?.join(' ') || undefined;
}

/** Whether a text is an ISO 8601 duration that is longer than nothing. */
export function isDuration(text: string): boolean {
  return durationInWords(text) !== undefined && /[1-9]/.test(text) && !/T$/i.test(text.trim());
}
