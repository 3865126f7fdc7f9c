/**
 * block - what a manual page consists of, before it is roff.
 */

/** Text, or a piece of it in another face. */
export type Inline =
  string | { readonly face: 'bold' | 'italic' | 'code'; readonly of: readonly Inline[] }

export type Block =
  | { readonly kind: 'section' | 'subsection'; readonly text: readonly Inline[] }
  | { readonly kind: 'paragraph'; readonly text: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'items'; readonly items: readonly (readonly Inline[])[] }
  | Terms
  | { readonly kind: 'table'; readonly rows: readonly (readonly (readonly Inline[])[])[] }

/** Terms with what they mean; several may share one meaning. */
export interface Terms {
  readonly kind: 'terms'
  readonly terms: readonly {
    readonly heads: readonly (readonly Inline[])[]
    readonly lines: readonly (readonly Inline[])[]
  }[]
}

/** Something that is typed as it stands. */
export function code(text: string): Inline {
  return { face: 'code', of: [text] }
}

/** The text without faces. */
export function plain(text: readonly Inline[]): string {
  return text.map((each) => (typeof each === 'string' ? each : plain(each.of))).join('')
}
