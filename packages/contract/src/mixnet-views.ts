import { type Static, Type } from 'typebox'
import { Bytes, Name, strict, Timestamp } from './schemas.ts'

/** What the API shows of the mixnet. Keys and ids of nodes are hex; `rules` are as the mixnet's own documents write them. */

const Key = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: '32 bytes, base64url' })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Milliseconds = Type.Integer({ minimum: 0 })

export const MixNodeId = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'Ed25519 identity key of a mix node, hex',
})
export const MixSignature = Type.String({ pattern: '^[0-9a-f]{128}$', description: 'Ed25519 signature, hex' })
export const MixOperator = Type.String({
  pattern: '^[\\x21-\\x7e]{1,64}$',
  description: 'Whose nodes they are, in descriptors; paths avoid two of one operator',
})
export const MixEpoch = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** Exactly what every node and client of a network must hold alike, and pins on first use. */
export const MixnetRules = strict({
  network: Key,
  authorities: Type.Array(strict({ signingKey: Key, vrfKey: Key }), { minItems: 1, maxItems: 16 }),
  threshold: Type.Integer({ minimum: 1, maximum: 16 }),
  schedule: strict({
    genesisAt: Type.Integer({ description: 'Epoch milliseconds' }),
    epochMs: Milliseconds,
    closeMs: Milliseconds,
    roundMs: Milliseconds,
  }),
  parameters: strict({
    delayMeansSteps: Type.Array(Type.Integer(), { description: 'By delay class, in steps of 0.1 ms' }),
    payloadBytes: Type.Array(Type.Integer(), { description: 'By size class' }),
    clientSendMeanMs: Milliseconds,
    clientLoopMeanMs: Milliseconds,
    mixLoopMeanMs: Milliseconds,
    nodesPerLayer: Type.Integer({ minimum: 1 }),
    distinctOperators: Type.Union([Type.Literal('required'), Type.Literal('preferred')]),
    vrfSuite: Type.Union([Type.Literal('tai'), Type.Literal('ell2')]),
  }),
})
export type MixnetRules = Static<typeof MixnetRules>

export const MixEntryView = strict({
  address: Type.String({ pattern: '^[0-9a-f]{64}$', description: "The control plane's public key in the mixnet, hex" }),
  gateways: Type.Array(MixNodeId, { description: 'Where it is to be found now; follows from the consensus' }),
})
export type MixEntryView = Static<typeof MixEntryView>

export const MixnetView = strict({
  rules: MixnetRules,
  authority: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Which of the authorities this control plane is, if it is one' }),
  ),
  admission: Type.Union([Type.Literal('registered'), Type.Literal('anyone')], {
    description: 'Who may list a node here',
  }),
  entry: Type.Optional(MixEntryView),
  now: Type.Integer({ description: "This control plane's clock, epoch milliseconds" }),
  epoch: Type.Integer({ minimum: 0, description: 'The one that runs now; 0 before the first' }),
})
export type MixnetView = Static<typeof MixnetView>

/** What became of a document that was taken. */
export const TakenView = strict({ epoch: MixEpoch, isNew: Type.Boolean() })
export type TakenView = Static<typeof TakenView>

export const NewMixNode = strict({
  identityKey: MixNodeId,
  proof: Type.String({
    pattern: '^[0-9a-f]{128}$',
    description: 'Signature of the identity key over the admission message of this network, hex',
  }),
  name: Name,
  operator: Type.Optional(MixOperator),
})
export type NewMixNode = Static<typeof NewMixNode>

/** A node that may be listed. */
export const MixNodeView = strict({
  identityKey: MixNodeId,
  name: Type.String(),
  operator: MixOperator,
  mine: Type.Boolean(),
  status: Type.Union([Type.Literal('admitted'), Type.Literal('revoked')]),
  addedAt: Timestamp,
  revokedAt: Type.Optional(Timestamp),
})
export type MixNodeView = Static<typeof MixNodeView>

/** Counts over the time a report covers. */
const Traffic = {
  received: Count,
  forwarded: Count,
  delivered: Count,
  cover: Count,
  dropped: Count,
  bytesIn: Bytes,
  bytesOut: Bytes,
  loopsSent: Count,
  loopsReturned: Count,
  loopsLost: Count,
}

export const MixReportView = strict({
  epoch: MixEpoch,
  at: Timestamp,
  coveredMs: Type.Integer({ minimum: 1, description: 'Milliseconds of the epoch that it covers' }),
  ...Traffic,
  drops: Type.Record(Type.String(), Count, { description: 'By reason' }),
  receivedPerSecond: Type.Number(),
  forwardedPerSecond: Type.Number(),
})
export type MixReportView = Static<typeof MixReportView>

/** Absent where no loop went through the node lately. */
export const MixProbeView = strict({
  sent: Type.Integer({ minimum: 0, description: 'Loops through the node in the last hour' }),
  lost: Type.Integer({ minimum: 0, description: 'Of those, how many never came back, whoever dropped them' }),
  at: Timestamp,
  standing: Type.Union([Type.Literal('measured'), Type.Literal('unknown')], {
    description: '`unknown` while there are too few loops to say anything',
  }),
  lossRate: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'Share of packets it dropped itself, most likely' }),
  ),
  meanMs: Type.Optional(
    Type.Number({ minimum: 0, description: 'Of loops through it that came back, from sent to back' }),
  ),
})
export type MixProbeView = Static<typeof MixProbeView>

export const MixPlace = Type.Union([
  Type.Literal(0),
  Type.Literal(1),
  Type.Literal(2),
  Type.Literal('gateway'),
  Type.Literal('reserve'),
  Type.Literal('waiting'),
])

export const TopologyNodeView = strict({
  identityKey: MixNodeId,
  name: Type.Optional(Type.String()),
  operator: Type.String(),
  mine: Type.Boolean(),
  role: Type.Union([Type.Literal('mix'), Type.Literal('gateway')]),
  place: MixPlace,
  weight: Type.Integer({ minimum: 0 }),
  reputation: Type.Integer({ minimum: 0, maximum: 1000 }),
  performance: Type.Integer({ minimum: 0, maximum: 1000 }),
  stake: Type.Integer({ minimum: 0 }),
  faults: Type.Integer({ minimum: 0 }),
  reveal: Type.String({ description: 'Whether it explained its delays of two epochs before' }),
  packetsPerSecond: Type.Integer({ minimum: 1, description: 'What it says it can forward' }),
  addresses: Type.Array(
    strict({ host: Type.String(), port: Type.Integer(), protocol: Type.String(), worker: Type.Integer() }),
  ),
  probe: Type.Optional(MixProbeView),
  reported: Type.Optional(MixReportView),
})
export type TopologyNodeView = Static<typeof TopologyNodeView>

export const TopologyView = strict({
  epoch: Type.Integer({ minimum: 0, description: '0 while there is no consensus' }),
  validAfter: Type.Optional(Timestamp),
  freshUntil: Type.Optional(Timestamp),
  validUntil: Type.Optional(Timestamp),
  digest: Type.Optional(Type.String({ description: 'SHA-256 of the signed consensus, hex' })),
  beacon: Type.Optional(Type.String({ description: 'Hex' })),
  signatures: Type.Integer({ minimum: 0 }),
  signedBy: Type.Optional(
    Type.Array(Type.Integer({ minimum: 0 }), {
      description: 'Which of the authorities of the rules signed it, from 0',
    }),
  ),
  threshold: Type.Integer({ minimum: 1 }),
  nodes: Type.Array(TopologyNodeView),
})
export type TopologyView = Static<typeof TopologyView>

/** Packet flow of one epoch, as nodes reported it. */
export const MixFlowView = strict({
  epoch: MixEpoch,
  from: Timestamp,
  to: Timestamp,
  nodes: Type.Integer({ minimum: 0, description: 'How many reported' }),
  ...Traffic,
  receivedPerSecond: Type.Number({ description: 'Sum over nodes of what each received in a second on average' }),
  forwardedPerSecond: Type.Number(),
})
export type MixFlowView = Static<typeof MixFlowView>

/** Packets of one epoch at one place of the network, as the nodes that had it reported them. */
export const MixPlaceFlowView = strict({
  place: MixPlace,
  listed: Type.Integer({ minimum: 0, description: 'Nodes that had the place' }),
  reported: Type.Integer({ minimum: 0, description: 'Of those, how many reported' }),
  ...Traffic,
  drops: Type.Record(Type.String(), Count, { description: 'By reason' }),
})
export type MixPlaceFlowView = Static<typeof MixPlaceFlowView>

export const MixPlaceFlowsView = strict({
  epoch: MixEpoch,
  from: Timestamp,
  to: Timestamp,
  places: Type.Array(MixPlaceFlowView),
})
export type MixPlaceFlowsView = Static<typeof MixPlaceFlowsView>

export const MixEvidenceView = strict({
  kind: Type.Union([Type.Literal('descriptor'), Type.Literal('vote')]),
  culprit: Type.String({ description: 'Key that signed both, hex' }),
  epoch: MixEpoch,
  sound: Type.Boolean({ description: 'Whether both are genuine and contradict each other, checked now' }),
  firstBytes: Bytes,
  secondBytes: Bytes,
})
export type MixEvidenceView = Static<typeof MixEvidenceView>
