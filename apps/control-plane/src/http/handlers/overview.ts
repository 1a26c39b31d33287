import type { OverviewView } from '@fog/contract'
import { type FogNode, stateOf } from '@fog/fog'
import { toRfc3339 } from '@fog/kernel'
import { allNodes } from '../../flows/node-views.ts'
import { onHoldOf } from '../account.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { present } from '../present.ts'

const LATEST_JOBS = 1000

export function overviewHandlers({ platform }: HandlerDependencies): Pick<Handlers, 'getOverview'> {
  const { nodes, jobs } = platform.database.read
  return {
    getOverview: async ({ caller: { accountId }, reach }) => {
      const [all, depth, latest, money] = await Promise.all([
        allNodes(nodes),
        jobs.queueDepth(),
        jobs.listJobs({ accountId, secret: reach === 'mixnet' ? undefined : false, limit: LATEST_JOBS }),
        onHoldOf(platform, accountId),
      ])
      return {
        ...roomOf(all),
        jobs: countBy(latest, ({ status }) => status),
        queue: depth.map(({ tier, queued, running, oldestQueuedAt: oldest }) => ({
          tier,
          queued,
          running,
          ...present({ oldestQueuedAt: oldest === undefined ? undefined : toRfc3339(oldest) }),
        })),
        ...money,
      }
    },
  }
}

function roomOf(nodes: readonly FogNode[]): Pick<OverviewView, 'nodes' | 'cores' | 'memoryBytes'> {
  // What is lost or out of service is no room; what it still holds is shown with it.
  const there = nodes.filter(({ health, duty }) => health !== 'lost' && duty !== 'quarantined')
  const sum = (of: (node: FogNode) => number) => there.reduce((total, node) => total + of(node), 0)
  return {
    nodes: countBy(nodes, stateOf),
    cores: {
      capacity: sum(({ capacity }) => capacity.cpuMilli) / 1000,
      reserved: sum(({ reserved }) => reserved.cpuMilli) / 1000,
    },
    memoryBytes: {
      capacity: sum(({ capacity }) => capacity.memoryBytes),
      reserved: sum(({ reserved }) => reserved.memoryBytes),
    },
  }
}

function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1
  return counts
}
