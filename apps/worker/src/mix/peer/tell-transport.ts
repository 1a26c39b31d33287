import type { TransportEvent } from '@fog/betanet/node'
import type { PeerNeeds } from './peer-needs.ts'

/** Tells the peer's owner what concerns them, as lines; links go to the log. Nobody else is told whom its loops blame. */
export function tellTransport({ log, say }: Pick<PeerNeeds, 'log' | 'say'>, event: TransportEvent): void {
  switch (event.type) {
    case 'gateway.opened':
    case 'gateway.closed':
      return log.debug({ type: event.type }, 'a link to a gateway')
    case 'network.late':
    case 'network.stopped':
    case 'network.recovered':
      return say(event)
    case 'node.suspected': {
      const { type, nodeId, standing, loops, lossRate, lateRate, avoidedUntil } = event
      return say({ type, nodeId, standing, loops, lossRate, lateRate, isAvoided: avoidedUntil !== undefined })
    }
    case 'node.cleared':
      return say(event)
  }
}
