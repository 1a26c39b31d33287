import { formatIn } from '../../format/next-times.ts'
import { Card } from '../../parts/card.tsx'
import { Choose, TextField } from '../../parts/field.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { useNow } from '../../parts/time.tsx'
import { type Repeat, repeatFaults, repeatTimes, usualRepeat } from './repeat.ts'

const NEXT_SHOWN = 3

interface RepeatCardProps {
  /** Undefined: it is submitted once, at once. */
  readonly repeat: Repeat | undefined
  readonly onRepeat: (next: Repeat | undefined) => void
}

/** Once, or again and again by the clock. */
export function RepeatCard({ repeat, onRepeat }: RepeatCardProps) {
  return (
    <Card title="When">
      <div className="space-y-4">
        <Segmented
          label="When it is submitted"
          value={repeat ? 'again' : 'once'}
          options={[
            { value: 'once', text: 'Now, once' },
            { value: 'again', text: 'Again and again' },
          ]}
          onChange={(value) => onRepeat(value === 'again' ? usualRepeat() : undefined)}
        />
        {repeat && <Fields repeat={repeat} onRepeat={onRepeat} />}
      </div>
    </Card>
  )
}

function Fields({ repeat, onRepeat }: { repeat: Repeat; onRepeat: (next: Repeat) => void }) {
  // By the minute: a second changes nothing in what is due.
  const now = Math.floor(useNow() / 60_000) * 60_000
  const faults = repeatFaults(repeat, now)
  const next = repeatTimes(repeat, now, NEXT_SHOWN)
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label="Pattern"
          mono
          autoComplete="off"
          spellCheck={false}
          hint="Minute, hour, day of month, month, day of week."
          value={repeat.cron}
          onChange={(event) => onRepeat({ ...repeat, cron: event.target.value })}
          error={faults.cron}
        />
        <TextField
          label="Time zone"
          autoComplete="off"
          spellCheck={false}
          value={repeat.timezone}
          onChange={(event) => onRepeat({ ...repeat, timezone: event.target.value })}
          error={faults.timezone}
        />
        <Choose
          label="While the one before runs"
          value={repeat.overlap}
          onChange={(event) => onRepeat({ ...repeat, overlap: event.target.value as Repeat['overlap'] })}
          choices={[
            { value: 'skip', text: 'Leave one out' },
            { value: 'allow', text: 'Submit another' },
          ]}
        />
        <Choose
          label="After an outage"
          value={repeat.catchUp}
          onChange={(event) => onRepeat({ ...repeat, catchUp: event.target.value as Repeat['catchUp'] })}
          choices={[
            { value: 'skip', text: 'Leave out what was missed' },
            { value: 'one', text: 'Make up for it by one job' },
          ]}
        />
      </div>
      {next.ok && next.times.length > 0 && (
        <div className="text-sm">
          <p className="text-faint">Due next</p>
          <ol className="figures">
            {next.times.map((at) => (
              <li key={at}>{formatIn(repeat.timezone.trim(), at)}</li>
            ))}
          </ol>
        </div>
      )}
      <p className="text-[0.8125rem] text-faint">
        The job and its files are taken as they are now. Each time it is paid for anew; one that cannot be is left out
        and noted.
      </p>
    </>
  )
}
