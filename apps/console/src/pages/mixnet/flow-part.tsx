import { useQuery } from '@tanstack/react-query'
import { Activity } from 'lucide-react'
import { useState } from 'react'
import type { MixFlowView, MixPlaceFlowsView } from '@fog/contract'
import { countOf, formatDuration } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { useClient } from '../../session/session-context.tsx'
import { DropsCard } from './drops-card.tsx'
import { PATH, type PathPlace } from './epochs.ts'
import { flowOfAll, flowOfPlace } from './flow.ts'
import { FlowTable } from './flow-table.tsx'
import { flowQuery, type Mixnet, placeFlowQuery } from './queries.ts'
import { RatesChart } from './rates-chart.tsx'
import { placeHeading, placeText } from './words.ts'

type Whose = 'all' | `${PathPlace}`

const OPTIONS: readonly { value: Whose; text: string }[] = [
  { value: 'all', text: 'All' },
  ...PATH.map((place) => ({ value: String(place) as Whose, text: placeHeading(place) })),
]

/** Packets by epoch: what came, went on, was cover, and was dropped and why. */
export function FlowPart({ mixnet }: { mixnet: Mixnet }) {
  const client = useClient()
  const all = useQuery(flowQuery(client))
  const byPlace = useQuery(placeFlowQuery(client))
  const [whose, setWhose] = useState<Whose>('all')
  const { epochMs } = mixnet.rules.schedule
  return (
    <div className="space-y-4 md:space-y-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Segmented label="Whose packets" value={whose} options={OPTIONS} onChange={setWhose} />
        <p className="max-w-prose text-[0.8125rem] text-faint">
          As nodes reported it of themselves, once an epoch of {formatDuration(epochMs)} is over. Rates are these sums
          over the epoch&apos;s length: nobody counts finer, for whoever could would follow packets.
        </p>
      </div>
      <Resource query={all} lines={6} label="Loading packets">
        {({ items }) =>
          items.length === 0 ? (
            <Card>
              <Empty icon={<Activity size={22} />} title="Nothing reported yet">
                Nodes report an epoch when it and its last packets are over.
              </Empty>
            </Card>
          ) : (
            <Resource query={byPlace} lines={6} label="Loading packets by place">
              {(places) => <Flows whose={whose} all={items} byPlace={places.items} />}
            </Resource>
          )
        }
      </Resource>
    </div>
  )
}

interface FlowsProps {
  readonly whose: Whose
  readonly all: readonly MixFlowView[]
  readonly byPlace: readonly MixPlaceFlowsView[]
}

function Flows({ whose, all, byPlace }: FlowsProps) {
  const place = PATH.find((each) => String(each) === whose)
  const flows = place === undefined ? flowOfAll(all, byPlace) : flowOfPlace(byPlace, place)
  const of = place === undefined ? 'all nodes' : place === 'gateway' ? 'gateways' : placeText(place)
  if (flows.length === 0) {
    return (
      <Card>
        <Empty icon={<Activity size={22} />} title={`Nothing reported of ${of}`}>
          In none of the last {countOf(byPlace.length, 'epoch')} did a node there report.
        </Empty>
      </Card>
    )
  }
  return (
    <>
      <RatesChart flows={flows} of={of} />
      <DropsCard epochs={byPlace} place={place ?? 'all'} of={of} />
      <Card
        flush
        title={`Packets of ${of}, by epoch`}
        note="Cover counts where its way ends. Reports may be missing: a node that stopped, or is still to tell."
      >
        <FlowTable flows={flows} of={of} />
      </Card>
    </>
  )
}
