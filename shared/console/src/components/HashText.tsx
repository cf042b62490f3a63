import Box from '@cloudscape-design/components/box';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import { Fragment } from 'react';

/** A hash in hexadecimal, whose lines begin below each other and break between its bytes.
 *  @param name - what it is, for those who cannot see it: "SHA-256 of the key". */
export function HashText({ text, name }: { text: string; name: string }) {
  return (
    <div className="hash">
      <CopyToClipboard
        variant="icon"
        textToCopy={text}
        copyButtonAriaLabel={`Copy ${name}`}
        copySuccessText="Copied"
        copyErrorText="Your browser did not allow it"
      />
      <Box variant="code">
        {text.match(/[^:]{1,2}:?/g)?.map((byte, place) => (
          <Fragment key={place}>
            {byte}
            <wbr />
          </Fragment>
        ))}
      </Box>
    </div>
  );
}
