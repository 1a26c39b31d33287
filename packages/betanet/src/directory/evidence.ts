import { equalBytes, toHex } from '@fog/kernel'
import { DocumentError } from '../codec.ts'
import { isGenuineDescriptor, signedDescriptorForm } from './descriptor.ts'
import type { Evidence } from './directory-store.ts'
import { isEquivocation, signedVoteForm } from './vote.ts'

/** Whether the evidence shows what it says, to someone who trusts nobody but signatures. */
export function isSoundEvidence(evidence: Evidence): boolean {
  try {
    return evidence.kind === 'vote' ? showsTwoVotes(evidence) : showsTwoDescriptors(evidence)
  } catch (fault) {
    if (fault instanceof DocumentError) return false
    throw fault
  }
}

function showsTwoVotes({ culprit, epoch, first, second }: Evidence): boolean {
  const [a, b] = [signedVoteForm.parse(first), signedVoteForm.parse(second)]
  return toHex(a.vote.authority) === culprit && a.vote.epoch === epoch && isEquivocation(a, b)
}

function showsTwoDescriptors({ culprit, epoch, first, second }: Evidence): boolean {
  const both = [signedDescriptorForm.parse(first), signedDescriptorForm.parse(second)]
  const areOf = both.every(
    (signed) =>
      toHex(signed.descriptor.identityKey) === culprit &&
      signed.descriptor.epoch === epoch &&
      isGenuineDescriptor(signed),
  )
  const [a, b] = both.map(({ descriptor }) => descriptor.revision)
  return areOf && a === b && !equalBytes(first, second)
}
