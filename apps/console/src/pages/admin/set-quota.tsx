import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { QuotaView, UserView } from '@fog/contract'
import { Button } from '../../parts/button.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { Resource } from '../../parts/resource.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { QuotaMeters } from '../account/quota-meters.tsx'
import type { QuotaName } from '../account/quota-rows.ts'
import { accountQuotaQuery } from './queries.ts'
import { quotaChange, quotaFaults, quotaForm } from './quota-change.ts'

interface SetQuotaProps {
  readonly open: boolean
  readonly user: UserView
  readonly onClose: () => void
}

/** What a user's account uses, and limits of its own. */
export function SetQuota({ open, user, onClose }: SetQuotaProps) {
  return (
    <Modal open={open} onClose={onClose} title={`Quota of ${user.name}`}>
      <Asked user={user} onClose={onClose} />
    </Modal>
  )
}

function Asked({ user, onClose }: Omit<SetQuotaProps, 'open'>) {
  const quota = useQuery(accountQuotaQuery(useClient(), user.accountId))
  return (
    <Resource query={quota} lines={5} label="Loading the quota">
      {(data) => <QuotaForm user={user} quota={data} onClose={onClose} />}
    </Resource>
  )
}

const FIELDS: readonly { readonly name: QuotaName; readonly label: string }[] = [
  { name: 'openJobs', label: 'Open jobs' },
  { name: 'openTasks', label: 'Open tasks' },
  { name: 'cores', label: 'Cores at once' },
  { name: 'tokensPerDay', label: 'Tokens in 24 hours' },
]

function QuotaForm({ user, quota, onClose }: Omit<SetQuotaProps, 'open'> & { readonly quota: QuotaView }) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  // What stood there when it was opened: others may change it meanwhile, and only what was changed here is sent.
  const [before] = useState(() => quotaForm(quota))
  const [form, setForm] = useState(before)
  const [tried, setTried] = useState(false)
  const set = useMutation({
    mutationFn: async () =>
      client.call('setAccountQuota', { params: { accountId: user.accountId }, body: quotaChange(before, form) }),
    onSuccess: (after) => {
      queries.setQueryData(accountQuotaQuery(client, user.accountId).queryKey, after)
      void queries.invalidateQueries({ queryKey: ['quota'] })
      say('good', `Limits of ${user.name} are set`)
      onClose()
    },
  })
  const faults = quotaFaults(form)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(faults).length === 0) set.mutate()
  }
  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <QuotaMeters quota={quota} />
      <fieldset>
        <legend className="text-sm font-medium">Limits of its own</legend>
        <p className="mb-3 text-[0.8125rem] text-faint">
          What is left blank is as the settings of the control plane say.
        </p>
        <div className="grid grid-cols-2 gap-4">
          {FIELDS.map(({ name, label }) => (
            <TextField
              key={name}
              label={label}
              inputMode="decimal"
              autoComplete="off"
              placeholder="as set for all"
              value={form[name]}
              onChange={(event) => setForm({ ...form, [name]: event.target.value })}
              error={tried ? faults[name] : undefined}
            />
          ))}
        </div>
      </fieldset>
      {set.isError && <Failure error={set.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={set.isPending}>
          Set the limits
        </Button>
      </div>
    </form>
  )
}
