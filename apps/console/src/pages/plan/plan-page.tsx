import { useQuery } from '@tanstack/react-query'
import { Waypoints } from 'lucide-react'
import { useState } from 'react'
import type { FrontsView, FrontView } from '@fog/contract'
import { countOf, formatCount } from '../../format/format.ts'
import { Card, Facts } from '../../parts/card.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { Ago } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { FrontPlot } from './front-plot.tsx'
import { assumedText, breachText, formatValue } from './front-words.ts'
import { PointsTable } from './points-table.tsx'
import { frontsQuery } from './queries.ts'

/** What re-planning found: the best plans it knows, the one it put in force, and why. */
export function PlanPage() {
  const fronts = useQuery(frontsQuery(useClient()))
  return (
    <Page title="Placement" note="How what waits, and what may move, was planned all together.">
      <Resource query={fronts} lines={8} label="Loading plans">
        {(view) => <Fronts view={view} />}
      </Resource>
    </Page>
  )
}

function Fronts({ view: { fronts, everySeconds } }: { view: FrontsView }) {
  const [at, setAt] = useState<string>()
  const front = fronts.find(({ plannedAt }) => plannedAt === at) ?? fronts[0]
  if (!front) {
    return (
      <Card>
        <Empty icon={<Waypoints size={22} />} title="Nothing was planned yet">
          {everySeconds === 0
            ? 'Planning anew is switched off: FOG_REPLAN_SECONDS is 0. Tasks are placed one by one.'
            : 'Tasks are placed one by one as they come. When some wait, or run where they could be better off, all of them are planned together.'}
        </Empty>
      </Card>
    )
  }
  return (
    <>
      {fronts.length > 1 && (
        <label className="flex w-fit items-center gap-2 text-sm text-soft">
          Plan of
          <select
            value={front.plannedAt}
            onChange={({ target }) => setAt(target.value === fronts[0]?.plannedAt ? undefined : target.value)}
            className="h-9 rounded-lg border border-line bg-surface px-2 text-ink"
          >
            {fronts.map(({ plannedAt, queued, movable }) => (
              <option key={plannedAt} value={plannedAt}>
                {new Date(plannedAt).toLocaleTimeString()} · {formatCount(queued)} waiting, {formatCount(movable)}{' '}
                movable
              </option>
            ))}
          </select>
        </label>
      )}
      <Front key={front.plannedAt} front={front} />
    </>
  )
}

function Front({ front }: { front: FrontView }) {
  const { points, chosen, objectives, why, plannedAt } = front
  const pairs = pairsOf(objectives.length)
  const [pair, setPair] = useState(String(pairs.length - 1))
  const [looked, setLooked] = useState(chosen)
  const [across, up] = pairs[Number(pair)] ?? [0, 0]
  const point = points[looked]
  if (!point) {
    return (
      <Card title="Nothing to choose">
        <p className="text-sm text-soft">{why}</p>
      </Card>
    )
  }
  return (
    <>
      <Card
        title="The front"
        note={
          <>
            {countOf(points.length, 'plan')} of which none is better in everything, found <Ago at={plannedAt} />.
          </>
        }
        actions={
          pairs.length > 1 && (
            <Segmented
              label="What to compare"
              value={pair}
              options={pairs.map(([a, b], i) => ({
                value: String(i),
                text: `${objectives[a]?.name} and ${objectives[b]?.name}`,
              }))}
              onChange={setPair}
            />
          )
        }
      >
        <FrontPlot front={front} across={across} up={up} looked={looked} onLook={setLooked} />
        <p className="figures mt-2 text-[0.8125rem] text-soft">
          {looked === chosen ? 'The plan in force' : `Plan ${looked + 1}`}:{' '}
          {objectives.map(({ name, unit }, i) => `${name} ${formatValue(point.values[i] ?? 0)} ${unit}`).join(', ')};{' '}
          {countOf(point.waiting, 'task')} waiting, {countOf(point.moves, 'move')}; breaks{' '}
          {breachText(point) ?? 'no promise'}.
        </p>
      </Card>
      <Card title="Why this one">
        <p className="text-sm">{why}</p>
        <div className="mt-4">
          <Facts facts={factsOf(front)} />
        </div>
      </Card>
      <Card title="All plans on the front" flush>
        <PointsTable front={front} />
      </Card>
    </>
  )
}

function factsOf(front: FrontView): [string, string][] {
  const assumed = assumedText(front.assumed)
  return [
    [
      'Planned',
      `${countOf(front.queued, 'placement')} that waited and ${countOf(front.movable, 'task')} that might move, on ${countOf(front.nodes, 'device')}`,
    ],
    ['Put in force', `${countOf(front.placed, 'lease')} given, ${countOf(front.moved, 'task')} asked to move`],
    ['Search', `${front.method}; ${formatCount(front.looks)} placements weighed in ${front.spentMs.toFixed(0)} ms`],
    ...(assumed === undefined ? [] : [['Assumed', assumed] as [string, string]]),
  ]
}

/** Each two of the objectives; the last pair first shown: what a policy trades when no promise is at stake. */
function pairsOf(count: number): [number, number][] {
  const all = Array.from({ length: count }, (_, i) => i)
  const pairs = all.flatMap((a) => all.slice(a + 1).map((b): [number, number] => [a, b]))
  return pairs.length === 0 ? [[0, 0]] : pairs
}
