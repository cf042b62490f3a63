import { apple, type ProfileIds } from './apple';
import type { Enrolment, Instruction } from './enrolment';
import { jamf } from './jamf';
import { jscep } from './jscep';
import { certmonger, sscep, strongSwan } from './linux';
import { cisco, mikrotik } from './network';
import { windows } from './windows';

/** How each kind of device enrols.
 *  @param hasOneTime - whether the SCEP Profile accepts one-time challenges. */
export function instructionsFor(
  enrolment: Enrolment,
  ids: ProfileIds,
  hasOneTime: boolean,
): Instruction[] {
  return [
    strongSwan(enrolment),
    certmonger(enrolment),
    sscep(enrolment),
    jscep(enrolment),
    apple(enrolment, ids),
    windows(enrolment),
    jamf(enrolment, hasOneTime),
    cisco(enrolment),
    mikrotik(enrolment),
  ];
}
