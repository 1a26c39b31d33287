import { type FogNode, NodeError, type Reach } from '@fog/fog'
import { type NodeId, parseId } from '@fog/kernel'
import type { KnownCaller } from '../../access/known-caller.ts'
import { seesAll } from '../../access/caller.ts'
import { type AttemptContent, AttemptOutputs, openAttemptContent, takeAttemptState } from '../../flows/attempt-blobs.ts'
import { enrolNode } from '../../flows/enrol-node.ts'
import { setNodeDuty } from '../../flows/node-life.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { pageOf } from '../paging.ts'
import { nodeView } from '../views.ts'

export function nodeHandlers({
  platform,
}: HandlerDependencies): Pick<
  Handlers,
  'enrolNode' | 'listNodes' | 'getNode' | 'setNodeDuty' | 'getNodeBlob' | 'putNodeBlob'
> {
  const { nodes } = platform.database.read
  const outputs = new AttemptOutputs(platform)
  const find = async (text: string): Promise<FogNode> => {
    const nodeId: NodeId = parseId('node', text)
    const node = await nodes.find(nodeId)
    if (!node) throw new NodeError({ code: 'node.not_found', nodeId })
    return node
  }
  return {
    enrolNode: async ({ body, address }) => {
      const { labels = {}, ...request } = body
      return { nodeId: await enrolNode(platform, { ...request, labels, address }) }
    },

    listNodes: async ({ caller, query }) => {
      const after = query.after === undefined ? undefined : parseId('node', query.after)
      const ownerId = query.mine === true ? caller.accountId : undefined
      return pageOf(
        query,
        (limit) => nodes.list({ ownerId, after, limit, retired: query.retired }),
        (node) => node.nodeId,
        (found) => found.map((node) => nodeView(node, caller.accountId)),
      )
    },

    getNode: async ({ caller, params }) => nodeView(await find(params.nodeId), caller.accountId),

    setNodeDuty: async ({ caller, params, body }) => {
      const { nodeId } = mustBeTheirs(await find(params.nodeId), caller)
      return nodeView(await setNodeDuty(platform, nodeId, body.duty, caller.userId), caller.accountId)
    },

    getNodeBlob: async ({ node, params, reach }) => openAttemptContent(platform, wantedBy(node, params, reach)),

    putNodeBlob: async ({ node, params, query, content, reach }) => {
      const wanted = wantedBy(node, params, reach)
      if (query.use === 'state') await takeAttemptState(platform, wanted, content)
      else await outputs.take(wanted, content)
    },
  }
}

function wantedBy(
  { nodeId }: { readonly nodeId: NodeId },
  { attemptId, digest }: { readonly attemptId: string; readonly digest: string },
  reach: Reach,
): AttemptContent {
  return { nodeId, attemptId: parseId('attempt', attemptId), digest, reach }
}

/** Everybody sees the nodes of the fog; their operators are the owner and admins. */
function mustBeTheirs(node: FogNode, caller: KnownCaller): FogNode {
  if (node.ownerId === caller.accountId || seesAll(caller)) return node
  throw new NodeError({ code: 'node.not_found', nodeId: node.nodeId })
}
