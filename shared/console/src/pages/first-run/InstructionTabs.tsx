import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useState } from 'react';

import { CopyText } from '../../components/CopyText';
import { saveFile } from '../../components/download';
import { instructionsFor } from './instructions';
import type { Enrolment, Part } from './instructions/enrolment';

/** How each kind of device enrols, one beside the other. */
export function InstructionTabs({
  enrolment,
  hasOneTime,
}: {
  enrolment: Enrolment;
  hasOneTime: boolean;
}) {
  const [ids] = useState(() => ({
    profile: crypto.randomUUID(),
    scep: crypto.randomUUID(),
    root: crypto.randomUUID(),
  }));
  return (
    <Tabs
      ariaLabel="Clients"
      i18nStrings={{
        scrollLeftAriaLabel: 'Show earlier clients',
        scrollRightAriaLabel: 'Show later clients',
      }}
      tabs={instructionsFor(enrolment, ids, hasOneTime).map(({ id, title, parts }) => ({
        id,
        label: title,
        content: (
          <SpaceBetween size="m">
            {parts.map((part, index) => (
              <PartView key={index} part={part} />
            ))}
          </SpaceBetween>
        ),
      }))}
    />
  );
}

function PartView({ part }: { part: Part }) {
  switch (part.kind) {
    case 'text':
      return <div>{part.text}</div>;
    case 'code':
      return (
        <SpaceBetween size="xs">
          <div className="code-block" tabIndex={0} role="group" aria-label={part.name}>
            <Box variant="pre">{part.code}</Box>
          </div>
          <CopyToClipboard
            copyButtonText="Copy"
            copyButtonAriaLabel={`Copy ${part.name}`}
            copySuccessText="Copied"
            copyErrorText="Your browser did not allow it"
            textToCopy={part.code}
          />
        </SpaceBetween>
      );
    case 'settings':
      return (
        <KeyValuePairs
          columns={2}
          items={part.settings.map(([name, value]) => ({
            label: name,
            value: <CopyText text={value} name={name} />,
          }))}
        />
      );
    case 'file':
      return (
        <Button iconName="download" onClick={() => saveFile(part.content, part.type, part.name)}>
          Download {part.name}
        </Button>
      );
  }
}
