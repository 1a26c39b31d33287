import type { NodeView } from '@fog/contract'
import {
  countOf,
  formatBytes,
  formatCount,
  formatExact,
  formatLatency,
  formatNumber,
  percentOf,
  UNKNOWN,
} from '../../format/format.ts'
import { Card, Facts } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'
import { UsageBar } from '../../parts/progress.tsx'

/** Everything known of a node. */
export function NodeFacts({ node }: { node: NodeView }) {
  const { capacity, reserved, device, labels } = node
  return (
    <div className="grid gap-4 md:gap-5 lg:grid-cols-2">
      <Card
        title="What it does"
        note={`${countOf(node.running, 'task')} ${node.running === 1 ? 'runs' : 'run'} here now.`}
      >
        {node.reasons.length > 0 && (
          <ul
            aria-label="Why it is in this state"
            className="mb-4 space-y-1 border-l-2 border-accent/40 pl-3 text-sm text-soft"
          >
            {[...new Set(node.reasons)].map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        )}
        <div className="space-y-4">
          <Usage name="Cores" part={reserved.cores} whole={capacity.cores} format={formatNumber} />
          <Usage name="Memory" part={reserved.memoryBytes} whole={capacity.memoryBytes} format={formatBytes} />
          <Usage name="Disk" part={reserved.diskBytes} whole={capacity.diskBytes} format={formatBytes} />
        </div>
      </Card>
      <Card title="How it stands">
        <Facts
          facts={[
            ['Trust', `${formatCount(node.trust)} of 1,000`],
            ['CPU share', `${formatCount(node.cpuShare)} % of each core`],
            ['Round trip', formatLatency(node.latencyMs)],
            ['Owner', <IdText key="owner" id={node.ownerId} />],
            ['Joined', formatExact(Date.parse(node.enrolledAt))],
          ]}
        />
      </Card>
      <Card title="The device">
        <Facts
          facts={[
            ['System', `${device.os}, ${device.arch}`],
            ['Processor', device.cpuModel ?? UNKNOWN],
            ['Cores', formatCount(device.cores)],
            ['Memory', formatBytes(device.memoryBytes)],
            ['Runs', device.kinds.join(', ') || UNKNOWN],
            ['Fog version', device.agentVersion],
          ]}
        />
      </Card>
      <Card title="Labels" note="Jobs may ask for them.">
        {Object.keys(labels).length === 0 ? (
          <p className="text-sm text-soft">This node has none.</p>
        ) : (
          <Facts facts={Object.entries(labels)} />
        )}
      </Card>
    </div>
  )
}

function Usage({
  name,
  part,
  whole,
  format,
}: {
  name: string
  part: number
  whole: number
  format: (value: number) => string
}) {
  const text = `${format(part)} of ${format(whole)} reserved`
  return (
    <div>
      <div className="mb-1.5 flex items-baseline justify-between gap-3 text-sm">
        <span className="font-medium">{name}</span>
        <span className="figures text-soft">
          {text}
          {whole > 0 && <span className="text-faint"> ({Math.round(percentOf(part, whole))} %)</span>}
        </span>
      </div>
      <UsageBar part={part} whole={whole} label={`${name} reserved`} text={text} />
    </div>
  )
}
