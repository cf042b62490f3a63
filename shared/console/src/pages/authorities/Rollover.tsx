import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps, { type StepsProps } from '@cloudscape-design/components/steps';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import type { AuthorityView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CertificateFacts } from '../../components/CertificateFacts';
import { DownloadCertificate } from '../../components/DownloadCertificate';
import { DownloadRequest, InstallCertificate } from './InstallCertificate';
import { ActivateRolloverDialog, BeginRolloverDialog } from './RolloverDialogs';
import { rolloverStage, type RolloverStage } from './texts';

/** The way to an authority's next key, step by step. */
export function Rollover({ authority }: { authority: AuthorityView }) {
  const denial = useDenial('write');
  const [dialog, setDialog] = useState<'begin' | 'activate'>();
  const stage = rolloverStage(authority);
  const close = () => setDialog(undefined);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The authority gets another key and certificate, without a device that stops working."
          actions={
            stage === 'none' ? (
              <ActionButton denial={denial} onClick={() => setDialog('begin')}>
                Begin rollover
              </ActionButton>
            ) : (
              <ActionButton
                variant="primary"
                denial={denial ?? obstacle(stage)}
                onClick={() => setDialog('activate')}
              >
                Activate
              </ActionButton>
            )
          }
        >
          Rollover
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Steps ariaLabel="Steps of the rollover" steps={stepsOf(authority, stage)} />
        {stage === 'awaitingCertificate' && (
          <SpaceBetween size="m">
            <DownloadRequest authority={authority} />
            <InstallCertificate authority={authority} />
          </SpaceBetween>
        )}
        {authority.next && (
          <ExpandableSection
            headerText="The next certificate"
            headerActions={
              <DownloadCertificate certificate={authority.next} name={`${authority.name}-next`} />
            }
            variant="stacked"
          >
            <CertificateFacts certificate={authority.next} />
          </ExpandableSection>
        )}
        {dialog === 'begin' && <BeginRolloverDialog authority={authority} onClose={close} />}
        {dialog === 'activate' && <ActivateRolloverDialog authority={authority} onClose={close} />}
      </SpaceBetween>
    </Container>
  );
}

function obstacle(stage: RolloverStage): string | undefined {
  return stage === 'announced' ? undefined : 'The next certificate is not installed yet.';
}

function stepsOf(authority: AuthorityView, stage: RolloverStage): StepsProps.Step[] {
  const begun = stage === 'none' ? 'pending' : 'success';
  const steps: StepsProps.Step[] = [
    {
      status: begun,
      header: 'Begin',
      details: 'The next key is created. Nothing changes for devices.',
    },
  ];
  if (authority.kind === 'SUBORDINATE') {
    steps.push({
      status: stage === 'none' ? 'pending' : stage === 'announced' ? 'success' : 'in-progress',
      header: 'Have the next certificate signed',
      details: 'Give the request to the other CA, and install what it returns.',
    });
  }
  steps.push(
    {
      status: stage === 'announced' ? 'in-progress' : 'pending',
      header: 'Let clients learn of it',
      details: (
        <Box color="text-body-secondary">
          Clients that ask (GetNextCACert) get the next certificates, signed by the current
          authority, and can already enrol under them. Allow them time: they learn when they ask.
        </Box>
      ),
    },
    {
      status: 'pending',
      header: 'Activate',
      details:
        'Every client gets the next generation. Certificates issued before stay valid, and are renewed with the new key.',
    },
  );
  return steps;
}
