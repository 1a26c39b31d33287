import { checkpointMessage, type LeaseMessage } from '@fog/contract'
import { isFogError, randomBelow, type Rng, toHex, utf8 } from '@fog/kernel'
import { sha256, sign } from '@fog/kernel/node'
import { takeAttemptState } from '../../apps/control-plane/src/flows/attempt-blobs.ts'
import { type CheckpointSaying, hearCheckpoints } from '../../apps/control-plane/src/flows/take-checkpoint.ts'
import type { Platform } from '../../apps/control-plane/src/platform.ts'
import { refOf, type SimNode } from './sim-node.ts'

/** More than what small content may have now and then, so that some lies in the blob store. */
const SIZES = [10, 1_000, 70_000]

/** A checkpoint of a running task, its content and what the device says of it. */
export function checkpointOf(node: SimNode, lease: LeaseMessage, sequence: number, rng: Rng) {
  const { attemptId, fence } = refOf(lease)
  const content = utf8(`${sequence} of ${attemptId}`.padEnd(SIZES[randomBelow(rng, SIZES.length)]!, '.'))
  const digest = toHex(sha256(content))
  const files = [{ path: 'at', digest, size: content.length }]
  const stated = { sequence, files, fuel: String(sequence * 1000), cpuMs: 1, wallMs: 1 }
  const { nodeId } = node
  const signed = checkpointMessage({ nodeId, attemptId, taskId: lease.taskId, fence, checkpoint: stated })
  const signature = toHex(sign(signed, node.keys.secretKey))
  const saying: CheckpointSaying = { nodeId, attemptId, fence, checkpoint: { ...stated, signature } }
  return { digest, content, saying }
}

type MadeCheckpoint = ReturnType<typeof checkpointOf>

/** Brings the content of a checkpoint; without the lease nobody takes it. */
export async function bringState(platform: Platform, { digest, content, saying }: MadeCheckpoint): Promise<void> {
  const { nodeId, attemptId } = saying
  const parts = (async function* () {
    yield content
  })()
  try {
    await takeAttemptState(platform, { nodeId, attemptId, digest }, { parts })
  } catch (fault) {
    if (!isFogError(fault) || fault.code !== 'blob.not_found') throw fault
  }
}

/** Says that it is there. Answers how it was taken. */
export async function stateCheckpoint(platform: Platform, { saying }: MadeCheckpoint): Promise<string> {
  const [answer] = await hearCheckpoints(platform, [saying])
  return answer!.kind
}
