import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';

/** A text to be pasted elsewhere.
 *  @param name - what it is, for those who cannot see it: "Copy the URL". */
export function CopyText({ text, name }: { text: string; name: string }) {
  return (
    <CopyToClipboard
      variant="inline"
      textToCopy={text}
      copyButtonAriaLabel={`Copy ${name}`}
      copySuccessText="Copied"
      copyErrorText="Your browser did not allow it"
    />
  );
}
