import { useQuery } from '@tanstack/react-query'
import type { TopologyNodeView, TopologyView } from '@fog/contract'
import { countOf, formatBytes, formatCount, formatDuration, formatNumber, UNKNOWN } from '../../format/format.ts'
import { Badge, State } from '../../parts/badge.tsx'
import { Card, Facts } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'
import { Notice } from '../../parts/notice.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { flowOfAll } from './flow.ts'
import { FlowTable } from './flow-table.tsx'
import { flowQuery } from './queries.ts'
import { dropMeaning, lossText, placeText, revealOf, standingOf, weightOf, weightParts } from './words.ts'

/** Everything known of one node: what was agreed on, what was measured, and what it says of itself, kept apart. */
export function NodePanel({ node, topology }: { node: TopologyNodeView; topology: TopologyView }) {
  const standing = standingOf(node)
  const reveal = revealOf(node.reveal)
  return (
    <>
      <Card title="Its place" note={`Agreed on by the authorities for epoch ${topology.epoch}.`}>
        <Facts
          facts={[
            ['Place', placeText(node.place)],
            [
              'Standing',
              <State key="standing" tone={standing.tone}>
                {standing.text}
              </State>,
            ],
            ['Weight', `${formatCount(node.weight)}${shareText(node, topology)}`],
            [
              'Reveal',
              <span key="reveal">
                <State tone={reveal.tone}>{reveal.text}</State>{' '}
                <span className="text-[0.8125rem] text-faint">{reveal.means}</span>
              </span>,
            ],
          ]}
        />
      </Card>
      <WeightCard node={node} />
      <Card title="What probes measured" note="Packets sent through it by others, over the last hour.">
        {node.probe ? (
          <Facts
            facts={[
              ['Packets', lossText(node.probe)],
              ['Latest', <Ago key="at" at={node.probe.at} />],
            ]}
          />
        ) : (
          <p className="text-sm text-soft">
            <span className="text-faint">{UNKNOWN}</span>: nobody has sent probes through it lately. Until there are
            enough it counts with a performance of 950.
          </p>
        )}
      </Card>
      <ReportCard node={node} />
      <Card title="Who and where">
        <Facts
          facts={[
            ['Identity', <IdText key="id" id={node.identityKey} />],
            ['Operator', <OperatorText key="operator" node={node} />],
            ['Role', node.role],
            ['Addresses', <Addresses key="addresses" node={node} />],
            ['Says it can', `${formatCount(node.packetsPerSecond)} packets/s`],
          ]}
        />
      </Card>
    </>
  )
}

function shareText({ place, weight }: TopologyNodeView, { nodes }: TopologyView): string {
  const all = nodes.filter((node) => node.place === place).reduce((sum, node) => sum + node.weight, 0)
  const isOnTheWay = typeof place === 'number' || place === 'gateway'
  return isOnTheWay && all > 0 ? `, ${formatNumber((100 * weight) / all)} % of its place` : ''
}

function OperatorText({ node }: { node: TopologyNodeView }) {
  return (
    <span className="break-all">
      {node.operator} {node.mine && <Badge tone="accent">yours</Badge>}
    </span>
  )
}

function Addresses({ node }: { node: TopologyNodeView }) {
  return (
    <ul>
      {node.addresses.map(({ host, port, protocol, worker }) => (
        <li key={`${protocol} ${host} ${port}`} className="font-mono text-[0.8125rem] break-all">
          {protocol} {host.includes(':') ? `[${host}]` : host}:{port}
          <span className="font-sans text-faint"> thread {worker + 1}</span>
        </li>
      ))}
    </ul>
  )
}

function WeightCard({ node }: { node: TopologyNodeView }) {
  const parts = weightParts(node)
  const made = weightOf(parts)
  return (
    <Card
      flush
      title="What its weight is made of"
      note="The parts multiplied, each of 1,000; the stake adds up to as much again."
    >
      <table className="w-full border-collapse text-sm">
        <caption className="sr-only">Parts of the weight</caption>
        <thead>
          <tr className="border-b border-line text-left text-xs text-faint">
            <th scope="col" className="px-4 py-2 font-medium sm:px-5">
              Part
            </th>
            <th scope="col" className="px-2 py-2 text-right font-medium">
              Of 1,000
            </th>
            <th scope="col" className="px-4 py-2 font-medium sm:px-5">
              From
            </th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ name, permille, from }) => (
            <tr key={name} className="border-b border-line">
              <th scope="row" className="px-4 py-2 text-left font-normal sm:px-5">
                {name}
              </th>
              <td className="figures px-2 py-2 text-right">{formatCount(permille)}</td>
              <td className="px-4 py-2 text-soft sm:px-5">{from}</td>
            </tr>
          ))}
          <tr>
            <th scope="row" className="px-4 py-2 text-left font-medium sm:px-5">
              Weight
            </th>
            <td className="figures px-2 py-2 text-right font-medium">{formatCount(node.weight)}</td>
            <td className="px-4 py-2 text-soft sm:px-5">
              {made === node.weight ? 'checked: the parts make it' : `the parts make ${formatCount(made)}`}
            </td>
          </tr>
        </tbody>
      </table>
    </Card>
  )
}

function ReportCard({ node }: { node: TopologyNodeView }) {
  const flow = useQuery(flowQuery(useClient(), node.identityKey))
  const { reported } = node
  return (
    <Card
      flush
      title={
        <span className="flex flex-wrap items-center gap-2">
          What it reported of itself <Badge tone="warn">its own word</Badge>
        </span>
      }
      note="Sums over whole epochs, signed by the node. A node that lies shows wrong figures; nothing is decided by them."
    >
      {reported ? (
        <div className="px-4 pb-4 sm:px-5">
          <Facts
            facts={[
              ['Epoch', `${reported.epoch}, of which it covers ${formatDuration(reported.coveredMs)}`],
              ['Told', <Ago key="at" at={reported.at} />],
              ['Packets', packetsText(reported)],
              ['Bytes', `${formatBytes(reported.bytesIn)} in, ${formatBytes(reported.bytesOut)} out`],
              [
                'Its own loops',
                `${formatCount(reported.loopsSent)} sent, ${formatCount(reported.loopsReturned)} back, ${formatCount(reported.loopsLost)} lost`,
              ],
              ['Dropped', <Drops key="drops" drops={reported.drops} />],
            ]}
          />
        </div>
      ) : (
        <div className="px-4 pb-4 sm:px-5">
          <Notice>Nothing of the last epochs. A report comes within the epoch after.</Notice>
        </div>
      )}
      <Resource query={flow} lines={3} label="Loading what it reported">
        {({ items }) =>
          items.length > 0 ? <FlowTable flows={flowOfAll(items.slice(0, 12), [])} of="this node" single /> : null
        }
      </Resource>
    </Card>
  )
}

type Report = NonNullable<TopologyNodeView['reported']>

function packetsText({ received, forwarded, delivered, cover }: Report): string {
  return `${formatCount(received)} received, ${formatCount(forwarded)} forwarded, ${formatCount(delivered)} delivered, ${formatCount(cover)} cover`
}

function Drops({ drops }: { drops: Report['drops'] }) {
  const given = Object.entries(drops).filter(([, count]) => count > 0)
  if (given.length === 0) return 'none'
  return (
    <ul>
      {given.map(([reason, count]) => (
        <li key={reason}>
          {countOf(count, 'packet')} {dropMeaning(reason)}
        </li>
      ))}
    </ul>
  )
}
