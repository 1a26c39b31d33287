import { readFileSync } from 'node:fs'
import { enrolmentMessage, type JobView } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { type AttemptId, type GatewayId, newId, type NodeId, parseId, toHex, utf8 } from '@fog/kernel'
import { type KeyPair, keyPairFromSeed, sha256, sign } from '@fog/kernel/node'
import { connectNode } from '../../flows/node-life.ts'
import { placeJobs, Round } from '../../flows/place-jobs.ts'
import { digestOf, type TestPerson, type TestServer } from './test-server.ts'

const GIB = 2 ** 30
export const NOOP = new Uint8Array(
  readFileSync(new URL('../../../../../packages/idle/fixtures/noop.wasm', import.meta.url)),
)

/** What a device signs to enrol. */
export function enrolment(joinToken: string, name: string, keys: KeyPair) {
  const publicKey = toHex(keys.publicKey)
  const joinTokenDigest = toHex(sha256(utf8(joinToken)))
  const signature = toHex(sign(enrolmentMessage({ joinTokenDigest, publicKey, name }), keys.secretKey))
  return { joinToken, name, publicKey, signature }
}

/** A node of theirs, enrolled over HTTP and connected with room for four tasks. */
export async function addNode(fog: TestServer, owner: TestPerson, name = 'laptop'): Promise<NodeId> {
  const token = await fog.tokenOf(owner, ['nodes:write'])
  const made = await fog.ask('addJoinToken', { body: { name: 'join' }, token })
  const keys = keyPairFromSeed(fog.platform.rng.bytes(32))
  const body = enrolment(made.json<{ secret: string }>().secret, name, keys)
  const nodeId = parseId('node', (await fog.ask('enrolNode', { body })).json<{ nodeId: string }>().nodeId)
  await connect(fog, nodeId)
  return nodeId
}

export async function connect(fog: TestServer, nodeId: NodeId, reach: Reach = 'direct'): Promise<void> {
  const gatewayId: GatewayId = newId('gateway', fog.clock.now(), fog.platform.rng)
  const facts = {
    gatewayId,
    reach,
    device: { os: 'linux', arch: 'x64', cores: 4, memoryBytes: 4 * GIB, kinds: ['wasm'], agentVersion: 'test' },
    capacity: { cpuMilli: 4000, memoryBytes: 4 * GIB, diskBytes: 100 * GIB },
    labels: {},
    harvest: { mode: 'run', reasons: [], cpuShare: 100, maxTasks: 4 } as const,
    at: fog.clock.now(),
  }
  await connectNode(fog.platform, nodeId, facts, [])
}

/** Uploads the smallest program and answers a submission of it. */
export async function uploadNoop(fog: TestServer, token: string) {
  const digest = digestOf(NOOP)
  await fog.ask('putBlob', { params: { digest }, content: NOOP, token })
  return {
    name: 'nothing at all',
    program: { kind: 'wasm' as const, digest },
    tasks: [{ item: 'a' }, { item: 'b' }],
    resources: { wallSeconds: 1, outputMiB: 1 },
    verify: 'none' as const,
  }
}

/** Submits it and gives its tasks to nodes; answers the live attempts. */
export async function submitAndPlace(
  fog: TestServer,
  token: string,
  submission: Awaited<ReturnType<typeof uploadNoop>>,
): Promise<{ job: JobView; attempts: { attemptId: AttemptId; nodeId: NodeId }[] }> {
  const job = (await fog.ask('submitJob', { body: submission, token })).json<JobView>()
  await placeJobs(fog.platform, new Round())
  const attempts = await fog.platform.database.read.jobs.listAttempts(parseId('job', job.jobId))
  return { job, attempts: attempts.map(({ attemptId, nodeId }) => ({ attemptId, nodeId })) }
}
