import Popover from '@cloudscape-design/components/popover';

import { CopyText } from './CopyText';

const ENDS = 6;

/** A long number of which the ends tell it apart; the whole is shown and copied at a click.
 *  @param name - what it is: "serial number". */
export function ShortText({ text, name }: { text: string; name: string }) {
  if (text.length <= 2 * ENDS + 2) {
    return <>{text}</>;
  }
  return (
    <Popover
      triggerType="text-inline"
      dismissButton={false}
      content={<CopyText text={text} name={name} />}
    >
      {text.slice(0, ENDS)}…{text.slice(-ENDS)}
    </Popover>
  );
}
