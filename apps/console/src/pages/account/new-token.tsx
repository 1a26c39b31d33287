import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Scope } from '@fog/contract'
import { Button } from '../../parts/button.tsx'
import { CopyBlock } from '../../parts/copy.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { Choose, TextField } from '../../parts/field.tsx'
import { Failure, Notice } from '../../parts/notice.tsx'
import { useClient } from '../../session/session-context.tsx'
import { SCOPE_WORDS } from './scope-words.ts'

const LIFETIMES = [
  { value: '7', text: '7 days' },
  { value: '30', text: '30 days' },
  { value: '90', text: '90 days' },
  { value: '365', text: '1 year' },
  { value: '', text: 'Until revoked' },
]

interface NewTokenProps {
  readonly open: boolean
  readonly onClose: () => void
  /** What the maker may do: a token cannot do more. */
  readonly scopes: readonly Scope[]
}

/** Makes an API token and shows its text this once. */
export function NewToken({ open, onClose, scopes }: NewTokenProps) {
  return (
    <Modal open={open} onClose={onClose} title="New API token">
      <NewTokenForm onClose={onClose} scopes={scopes} />
    </Modal>
  )
}

function NewTokenForm({ onClose, scopes }: Omit<NewTokenProps, 'open'>) {
  const client = useClient()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [chosen, setChosen] = useState<ReadonlySet<Scope>>(() => new Set(['jobs:read', 'jobs:write'] as const))
  const [tried, setTried] = useState(false)
  const make = useMutation({
    mutationFn: async () =>
      client.call('addToken', {
        body: {
          name: name.trim(),
          scopes: scopes.filter((scope) => chosen.has(scope)),
          ...(days !== '' && { days: Number(days) }),
        },
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['tokens'] }),
  })
  const nameError = name.trim() === '' ? 'Say what it is for.' : undefined
  const scopeError = chosen.size === 0 ? 'Choose at least one right.' : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!nameError && !scopeError) make.mutate()
  }
  if (make.data) return <Made secret={make.data.secret} onClose={onClose} />
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <TextField
        label="Name"
        placeholder="nightly render"
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={tried ? nameError : undefined}
      />
      <fieldset>
        <legend className="mb-1.5 text-sm font-medium">What it may do</legend>
        <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
          {scopes.map((scope) => (
            <label key={scope} className="flex cursor-pointer items-start gap-2.5 text-sm">
              <input
                type="checkbox"
                className="mt-1 size-4 accent-(--accent)"
                checked={chosen.has(scope)}
                onChange={(event) =>
                  setChosen(
                    event.target.checked
                      ? new Set([...chosen, scope])
                      : new Set([...chosen].filter((other) => other !== scope)),
                  )
                }
              />
              <span>
                {SCOPE_WORDS[scope]}
                <code className="block font-mono text-xs text-faint">{scope}</code>
              </span>
            </label>
          ))}
        </div>
        {tried && scopeError && <p className="mt-1.5 text-[0.8125rem] text-bad">{scopeError}</p>}
      </fieldset>
      <Choose label="Good for" choices={LIFETIMES} value={days} onChange={(event) => setDays(event.target.value)} />
      {make.isError && <Failure error={make.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          Make the token
        </Button>
      </div>
    </form>
  )
}

function Made({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <div className="space-y-4">
      <Notice kind="warn">Copy it now: it is shown this once and kept nowhere.</Notice>
      <CopyBlock text={secret} label="Copy the token" />
      <div className="flex justify-end">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  )
}
