import { Card } from '../../parts/card.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { TextArea } from '../../parts/field.tsx'
import type { Draft } from './use-draft.ts'

/** The same job as text: the document that `fog submit` takes. Both ways of writing stay in step. */
export function TextPane({ draft: { text, textFault, setText } }: { draft: Draft }) {
  return (
    <Card
      title="The same as text"
      note="YAML or JSON, as fog submit takes it."
      actions={<CopyButton text={text} label="Copy the document" />}
    >
      <TextArea
        label="Job document"
        labelHidden
        mono
        rows={Math.min(24, Math.max(10, text.split('\n').length))}
        spellCheck={false}
        autoCapitalize="none"
        wrap="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={textFault && `${textFault.line === undefined ? '' : `Line ${textFault.line}: `}${textFault.text}`}
        className="resize-y"
      />
    </Card>
  )
}
