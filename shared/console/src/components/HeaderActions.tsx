import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { ActionButton } from './ActionButton';
import { useIsNarrow } from './useIsNarrow';

/** Something to do with what a page shows. */
export interface HeaderAction {
  /** What its button does: "Delete". */
  text: string;
  /** Why it cannot be done now; `undefined` when it can. */
  denial: string | undefined;
  act: () => void;
}

/** The actions of a page: buttons side by side, or one menu in a narrow window. */
export function HeaderActions({ actions }: { actions: HeaderAction[] }) {
  const isNarrow = useIsNarrow();
  if (!isNarrow) {
    return (
      <SpaceBetween direction="horizontal" size="xs">
        {actions.map(({ text, denial, act }) => (
          <ActionButton key={text} denial={denial} onClick={act}>
            {text}
          </ActionButton>
        ))}
      </SpaceBetween>
    );
  }
  return (
    <ButtonDropdown
      expandToViewport
      items={actions.map(({ text, denial }) => ({
        id: text,
        text,
        disabled: denial !== undefined,
        disabledReason: denial,
      }))}
      onItemClick={({ detail }) => actions.find(({ text }) => text === detail.id)?.act()}
    >
      Actions
    </ButtonDropdown>
  );
}
