import { Type } from 'typebox'
import {
  MixEpoch,
  MixEvidenceView,
  MixFlowView,
  MixnetView,
  MixNodeId,
  MixNodeView,
  MixSignature,
  NewMixNode,
  TakenView,
  TopologyView,
} from './mixnet-views.ts'
import { route } from './route.ts'
import { page, PageQuery, strict } from './schemas.ts'

const evidence = strict({
  kind: Type.Union([Type.Literal('descriptor'), Type.Literal('vote')]),
  culprit: MixNodeId,
  epoch: Type.String({ pattern: '^\\d{1,15}$' }),
  which: Type.Union([Type.Literal('first'), Type.Literal('second')]),
})

/**
 * Routes of the mixnet's directory. What nodes, clients and authorities use is open: every document is signed, so it matters
 * neither who brings one nor where it comes from.
 */
export const mixnetRoutes = {
  getMixnet: route({
    method: 'GET',
    path: '/v1/mixnet',
    summary: "The mixnet's rules: what nodes and clients pin on first use",
    access: 'open',
    perMinute: 600,
    response: MixnetView,
  }),
  getMixConsensus: route({
    method: 'GET',
    path: '/v1/mixnet/consensus',
    summary: 'The newest signed consensus, or that of an epoch; up to 4 MiB, with an ETag',
    access: 'open',
    perMinute: 6_000,
    query: strict({ epoch: Type.Optional(MixEpoch) }),
    raw: 'response',
  }),
  publishMixDescriptor: route({
    method: 'POST',
    path: '/v1/mixnet/descriptors',
    summary: "Publish a node's signed descriptor of the next epoch; up to 16 KiB",
    access: 'open',
    perMinute: 3_000,
    raw: 'request',
    response: TakenView,
  }),
  reportMixTraffic: route({
    method: 'POST',
    path: '/v1/mixnet/reports',
    summary: 'Report what a node counted in an epoch, signed by the node; up to 32 KiB',
    access: 'open',
    perMinute: 3_000,
    raw: 'request',
    response: TakenView,
  }),
  sendMixMessage: route({
    method: 'POST',
    path: '/v1/mixnet/messages',
    summary: 'From authority to authority: a vote, a signature or a consensus; up to 4 MiB and a byte',
    access: 'open',
    perMinute: 600,
    query: strict({ authority: MixNodeId, signature: MixSignature }),
    raw: 'request',
    status: 204,
  }),
  listMixEvidence: route({
    method: 'GET',
    path: '/v1/mixnet/evidence',
    summary: 'Who signed two things that contradict each other, the latest first',
    access: 'open',
    perMinute: 60,
    query: strict({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })) }),
    response: strict({ items: Type.Array(MixEvidenceView) }),
  }),
  getMixEvidence: route({
    method: 'GET',
    path: '/v1/mixnet/evidence/:kind/:culprit/:epoch/:which',
    summary: 'One of two signed documents that contradict each other',
    access: 'open',
    perMinute: 60,
    params: evidence,
    raw: 'response',
  }),
  addMixNode: route({
    method: 'POST',
    path: '/v1/mixnet/nodes',
    summary: 'Admit a mix node of yours to the network',
    access: 'nodes:write',
    body: NewMixNode,
    response: MixNodeView,
    status: 201,
  }),
  joinMixNode: route({
    method: 'POST',
    path: '/v1/mixnet/nodes/join',
    summary: "Admit a mix node for the owner of a join token, as the device itself; uses one of the token's uses",
    access: 'open',
    perMinute: 60,
    body: strict({ joinToken: Type.String({ maxLength: 100 }), ...NewMixNode.properties }),
    response: MixNodeView,
    status: 201,
  }),
  listMixNodes: route({
    method: 'GET',
    path: '/v1/mixnet/nodes',
    summary: 'Mix nodes that were admitted',
    access: 'nodes:read',
    query: strict({ ...PageQuery, mine: Type.Optional(Type.Boolean()) }),
    response: page(MixNodeView),
  }),
  revokeMixNode: route({
    method: 'DELETE',
    path: '/v1/mixnet/nodes/:identityKey',
    summary: 'Refuse a mix node from now on; its key can never be admitted again',
    access: 'nodes:write',
    params: strict({ identityKey: MixNodeId }),
    status: 204,
  }),
  getMixTopology: route({
    method: 'GET',
    path: '/v1/mixnet/topology',
    summary: 'Who mixes where: places, weights, what was measured, what nodes reported',
    access: 'nodes:read',
    perMinute: 240,
    query: strict({ epoch: Type.Optional(MixEpoch) }),
    response: TopologyView,
  }),
  listMixFlow: route({
    method: 'GET',
    path: '/v1/mixnet/flow',
    summary: 'Packets of the latest epochs, of one node or of all that reported, the latest epoch first',
    access: 'nodes:read',
    perMinute: 240,
    query: strict({
      epochs: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 72 })),
      identityKey: Type.Optional(MixNodeId),
    }),
    response: strict({ items: Type.Array(MixFlowView) }),
  }),
} as const
