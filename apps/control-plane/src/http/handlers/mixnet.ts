import { Readable } from 'node:stream'
import type { MixNodeView, MixnetRules } from '@fog/contract'
import {
  isSoundEvidence,
  MAX_DESCRIPTOR_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_REPORT_BYTES,
  rulesForm,
} from '@fog/betanet/directory'
import { type AccountId, fromUtf8, toHex, toRfc3339 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { needScope, seesAll } from '../../access/caller.ts'
import type { IncomingContent } from '../../blobs/take-content.ts'
import {
  admitNode,
  flowOf,
  joinNode,
  type Mixnet,
  MixnetError,
  placeFlowOf,
  revokeNode,
  topologyOf,
} from '../../mixnet/index.ts'
import type { MixNodeRecord } from '../../mixnet/stores.ts'
import { entryView } from '../../mixnet/entry/index.ts'
import { HttpError } from '../errors.ts'
import type { ContentAnswer, HandlerDependencies, Handlers } from '../handler.ts'
import { pageOf } from '../paging.ts'
import { present } from '../present.ts'

const FLOW_EPOCHS = 72
const PLACE_FLOW_EPOCHS = 24
const EVIDENCE_SHOWN = 50

type MixnetRoute =
  | 'getMixnet'
  | 'getMixConsensus'
  | 'publishMixDescriptor'
  | 'reportMixTraffic'
  | 'getMixReport'
  | 'sendMixMessage'
  | 'listMixEvidence'
  | 'getMixEvidence'
  | 'addMixNode'
  | 'joinMixNode'
  | 'listMixNodes'
  | 'revokeMixNode'
  | 'getMixTopology'
  | 'listMixFlow'
  | 'listMixPlaceFlow'

export function mixnetHandlers({ platform, mixnet: given }: HandlerDependencies): Pick<Handlers, MixnetRoute> {
  const mixnetOf = (): Mixnet => {
    if (!given) throw new MixnetError({ code: 'mixnet.off' })
    return given
  }
  return {
    getMixnet: async () => {
      const { rules, settings, authorityIndex, epoch, entry: own, directory } = mixnetOf()
      // Written as the mixnet's own documents are; the schema of the route says the same.
      const written = JSON.parse(fromUtf8(rulesForm.encode(rules))) as MixnetRules
      const { admission } = settings
      const entry = own && (await entryView(own, directory, epoch))
      return {
        rules: written,
        ...present({ authority: authorityIndex, entry }),
        admission,
        now: platform.clock.now(),
        epoch,
      }
    },

    getMixConsensus: async ({ query }) => {
      const { bytes, digest } = await mixnetOf().consensus(query.epoch)
      // Another one will be the newest soon; that of an epoch never changes.
      return contentOf(bytes, digest, query.epoch === undefined ? 'revalidate' : 'immutable')
    },

    publishMixDescriptor: async ({ content }) =>
      mixnetOf().takeDescriptor(await readDocument(content, MAX_DESCRIPTOR_BYTES)),

    reportMixTraffic: async ({ content }) => mixnetOf().takeReport(await readDocument(content, MAX_REPORT_BYTES)),

    getMixReport: async ({ params: { epoch, identityKey } }) => {
      const reports = await platform.database.read.mixnet.listReports(mixnetOf().name, Number(epoch))
      const report = reports.find((each) => each.identityKey === identityKey)
      if (!report) throw new MixnetError({ code: 'mixnet.report_not_found', identityKey, epoch })
      // A node that was started anew within the epoch may replace it while late ones are taken.
      return contentOf(report.bytes, toHex(sha256(report.bytes)), 'revalidate')
    },

    sendMixMessage: async ({ query, content }) => {
      const mixnet = mixnetOf()
      mixnet.expectMessageFrom(query.authority)
      await mixnet.takeMessage(await readDocument(content, MAX_MESSAGE_BYTES), query.authority, query.signature)
    },

    listMixEvidence: async ({ query }) => {
      const found = await mixnetOf().directory.listEvidence(query.limit ?? EVIDENCE_SHOWN)
      const items = found.map((evidence) => {
        const { kind, culprit, epoch, first, second } = evidence
        const sound = isSoundEvidence(evidence)
        return { kind, culprit, epoch, sound, firstBytes: first.length, secondBytes: second.length }
      })
      return { items }
    },

    getMixEvidence: async ({ params }) => {
      const { kind, culprit, epoch, which } = params
      const evidence = await mixnetOf().directory.findEvidence(kind, culprit, Number(epoch))
      if (!evidence) throw new MixnetError({ code: 'mixnet.evidence_not_found' })
      return contentOf(evidence[which], toHex(sha256(evidence[which])), 'immutable')
    },

    addMixNode: async ({ caller, body }) => {
      const node = await admitNode(platform, mixnetOf(), caller, body)
      return nodeView(node, caller.accountId)
    },

    joinMixNode: async ({ body, address }) => {
      const node = await joinNode(platform, mixnetOf(), { ...body, address })
      return nodeView(node, node.accountId)
    },

    listMixNodes: async ({ caller, query }) => {
      mixnetOf()
      const accountId = query.mine === true ? caller.accountId : undefined
      return pageOf(
        query,
        (limit) => platform.database.read.mixnet.listNodes({ accountId, after: query.after, limit }),
        ({ identityKey }) => identityKey,
        (found) => found.map((node) => nodeView(node, caller.accountId)),
      )
    },

    revokeMixNode: async ({ caller, params }) => {
      mixnetOf()
      needScope(caller, 'nodes:write')
      await revokeNode(platform, { ...caller, any: seesAll(caller) }, params.identityKey)
    },

    getMixTopology: async ({ caller, query }) =>
      topologyOf(platform, mixnetOf(), { accountId: caller.accountId, epoch: query.epoch }),

    listMixFlow: async ({ query }) => {
      const { epochs = FLOW_EPOCHS, identityKey } = query
      return { items: await flowOf(platform, mixnetOf(), { epochs, identityKey }) }
    },

    listMixPlaceFlow: async ({ query }) => ({
      items: await placeFlowOf(platform, mixnetOf(), query.epochs ?? PLACE_FLOW_EPOCHS),
    }),
  }
}

/** A document of at most so many bytes; what is longer is not read to its end. Throws `http.body_too_large`. */
async function readDocument({ parts, statedSize = 0 }: IncomingContent, maxBytes: number): Promise<Uint8Array> {
  const read: Uint8Array[] = []
  let size = statedSize > maxBytes ? statedSize : 0
  if (size === 0) {
    for await (const part of parts) {
      size += part.length
      if (size > maxBytes) break
      read.push(part)
    }
  }
  if (size > maxBytes) throw new HttpError({ code: 'http.body_too_large', maxBytes })
  return new Uint8Array(Buffer.concat(read))
}

function contentOf(bytes: Uint8Array, digest: string, cache: ContentAnswer['cache']): ContentAnswer {
  const stream = Readable.from([Buffer.from(bytes)], { objectMode: false })
  return { digest, size: bytes.length, stream, cache }
}

function nodeView(node: MixNodeRecord, accountId: AccountId): MixNodeView {
  const { identityKey, name, operator, addedAt, revokedAt } = node
  return {
    identityKey,
    name,
    operator,
    mine: node.accountId === accountId,
    status: revokedAt === undefined ? 'admitted' : 'revoked',
    addedAt: toRfc3339(addedAt),
    ...(revokedAt !== undefined && { revokedAt: toRfc3339(revokedAt) }),
  }
}
