import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { passwordProblem } from '../../format/user-input.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'

/** A new password, which ends every other log-in. */
export function PasswordPart() {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [tried, setTried] = useState(false)
  const change = useMutation({
    mutationFn: async () => client.call('changePassword', { body: { current, next } }),
    onSuccess: () => {
      setCurrent('')
      setNext('')
      setTried(false)
      say('good', 'Your password was changed', 'Your other log-ins have ended.')
      void queries.invalidateQueries({ queryKey: ['sessions'] })
    },
  })
  const nextError = passwordProblem(next)
  const currentError = current === '' ? 'Type the password you log in with now.' : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!nextError && !currentError) change.mutate()
  }
  return (
    <Card title="Change your password" note="Your other log-ins end with it. API tokens stay." className="max-w-xl">
      <form onSubmit={submit} noValidate className="space-y-4">
        <TextField
          label="Password now"
          type="password"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
          error={tried ? currentError : undefined}
        />
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          hint="At least 10 characters."
          value={next}
          onChange={(event) => setNext(event.target.value)}
          error={tried ? nextError : undefined}
        />
        {change.isError && <Failure error={change.error} />}
        <Button type="submit" kind="primary" busy={change.isPending}>
          Change the password
        </Button>
      </form>
    </Card>
  )
}
