import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import FileUpload from '@cloudscape-design/components/file-upload';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';

import { useRaProfiles } from '../../api/queries';
import { durationOf, type DurationDraft } from '../../components/forms/duration';
import { DurationInput } from '../../components/forms/DurationInput';
import { saveFile } from '../../components/download';
import { COLUMNS, decodeCsv, parseCsv, templateCsv, type CsvContents } from './csv';
import { durationProblem, VALIDITY_UNITS } from './duration';

/** The largest file that is read, in octets. */
const MAX_BYTES = 10_000_000;

/** Reads a file with a row for each challenge. */
export function CsvInput({
  isDisabled,
  onRead,
}: {
  isDisabled: boolean;
  onRead: (contents: CsvContents | undefined) => void;
}) {
  const raProfiles = useRaProfiles();
  const [validity, setValidity] = useState<DurationDraft>({
    amount: '7',
    unit: 'days',
  });
  const [files, setFiles] = useState<File[]>([]);

  async function read(file: File | undefined, inForce: DurationDraft) {
    if (!file) {
      onRead(undefined);
      return;
    }
    if (file.size > MAX_BYTES) {
      onRead({ rows: [], errors: ['The file is larger than 10 MB.'] });
      return;
    }
    try {
      const text = decodeCsv(await file.arrayBuffer());
      onRead(parseCsv(text, { validity: durationOf(inForce), raProfiles: raProfiles.data ?? [] }));
    } catch {
      onRead({ rows: [], errors: ['The file is not in UTF-8: save it as “CSV UTF-8”.'] });
    }
  }

  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A CSV file with a header, and a row for each challenge. An empty cell leaves to the rules of the RA Profile what it is about."
          actions={
            <Button
              iconName="download"
              onClick={() => saveFile(templateCsv(), 'text/csv', 'challenges-template.csv')}
            >
              Template
            </Button>
          }
        >
          Many challenges
        </Header>
      }
    >
      <SpaceBetween size="l">
        <FormField
          label="Validity"
          description="For rows that have none of their own."
          errorText={durationProblem(validity)}
        >
          <DurationInput
            label="Validity"
            units={VALIDITY_UNITS}
            value={validity}
            onChange={(next) => {
              setValidity(next);
              void read(files[0], next);
            }}
          />
        </FormField>
        <FormField
          label="File"
          description="Nothing is sent before you have seen what it asks for."
        >
          <FileUpload
            value={files}
            accept=".csv,text/csv"
            showFileSize
            onChange={({ detail }) => {
              if (!isDisabled) {
                setFiles(detail.value);
                void read(detail.value[0], validity);
              }
            }}
            i18nStrings={{
              uploadButtonText: () => 'Choose a file',
              dropzoneText: () => 'Drop the file here',
              removeFileAriaLabel: () => 'Remove the file',
              limitShowFewer: 'Show fewer',
              limitShowMore: 'Show more',
              errorIconAriaLabel: 'Error',
            }}
          />
        </FormField>
        <ExpandableSection headerText="Columns of the file">
          <SpaceBetween size="s">
            <Box>
              Columns may be in any order, and all but one may be missing. Cells are separated by
              commas, semicolons or tabs. A cell - of a type of names says that the certificate must
              have none of this type.
            </Box>
            <KeyValuePairs
              columns={3}
              items={COLUMNS.map(({ name, text }) => ({ label: name, value: text }))}
            />
          </SpaceBetween>
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}
