import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { formatExact } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { CopyBlock } from '../../parts/copy.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { Choose, TextField } from '../../parts/field.tsx'
import { Failure, Notice } from '../../parts/notice.tsx'
import { useClient } from '../../session/session-context.tsx'
import { hostProblem, type MixToRun, mixCommand } from './join-mix.ts'

const HOURS = 24

/** Makes a join token for one mix node and shows, this once, the command that uses it. */
export function AddMixNode({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal open={open} onClose={onClose} title="Add a mix node">
      <AddForm onClose={onClose} />
    </Modal>
  )
}

function AddForm({ onClose }: { onClose: () => void }) {
  const client = useClient()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [role, setRole] = useState<MixToRun['role']>('mix')
  const [host, setHost] = useState('')
  const [tried, setTried] = useState(false)
  const make = useMutation({
    mutationFn: async () => client.call('addJoinToken', { body: { name: name.trim(), uses: 1, hours: HOURS } }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['joinTokens'] }),
  })
  const problems = {
    name: name.trim() === '' ? 'Give it a name, such as where it stands.' : undefined,
    host: hostProblem(host.trim()),
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!problems.name && !problems.host) make.mutate()
  }
  if (make.data) {
    const { secret, joinToken } = make.data
    const command = mixCommand({ origin: window.location.origin, secret, name: name.trim(), role, host: host.trim() })
    return <Command command={command} expiresAt={joinToken.expiresAt} role={role} onClose={onClose} />
  }
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <p className="text-sm text-soft">
        A node makes its own keys and shows that it holds them; a join token says that it is yours. Your account is its
        operator: no packet&apos;s way crosses two nodes of one operator where there are others.
      </p>
      <TextField
        label="Name of the node"
        placeholder="cellar"
        autoComplete="off"
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={tried ? problems.name : undefined}
      />
      <Choose
        label="What it does"
        value={role}
        onChange={(event) => setRole(event.target.value as MixToRun['role'])}
        choices={[
          { value: 'mix', text: 'Mix: holds and shuffles packets in a layer' },
          { value: 'gateway', text: 'Gateway: peers connect to it' },
        ]}
      />
      <TextField
        label="Name or address others reach it by"
        hint="Left empty it listens on its own device only: for trials."
        placeholder="mix7.example"
        autoComplete="off"
        value={host}
        onChange={(event) => setHost(event.target.value)}
        error={tried ? problems.host : undefined}
      />
      {make.isError && <Failure error={make.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          Make the command
        </Button>
      </div>
    </form>
  )
}

interface CommandProps {
  readonly command: string
  readonly expiresAt: string
  readonly role: MixToRun['role']
  readonly onClose: () => void
}

function Command({ command, expiresAt, role, onClose }: CommandProps) {
  return (
    <div className="space-y-4">
      <p role="status" className="text-sm text-soft">
        Run this where the {role === 'gateway' ? 'gateway' : 'mix node'} is to be, in a shell. Later starts need no
        token: <code className="font-mono text-[0.8125rem]">fog mix run</code> with the same settings.
      </p>
      <CopyBlock text={command} label="Copy the command" />
      <Notice kind="warn">
        The token in it is shown this once. It lets in one node until {formatExact(Date.parse(expiresAt))}.
      </Notice>
      <p className="text-sm text-soft">
        At its first start it logs a fingerprint of the network: compare it with the one under Consensus. It announces
        itself for the epoch after the next consensus, so it takes up to an epoch and a half until it is in the picture.
      </p>
      <div className="flex justify-end">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  )
}
