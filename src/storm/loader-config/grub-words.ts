/** A word before its variables have values. */
export interface GrubWord {
  readonly parts: readonly (string | { readonly name: string })[];
  /** Any of it: it is a word even if nothing is in it. */
  readonly isQuoted: boolean;
}

/**
 * One token at a time (GRUB manual §16.1): blanks; comment; end of a statement; 'as it is'; "with variables"; escaped;
 * variable; anything else.
 */
const token =
  /(?<blank>[ \t]+|\\\r?\n)|(?<comment>#[^\n]*)|(?<end>[;\r\n]+)|'(?<bare>[^']*)'|"(?<quoted>(?:[^"\\]|\\.)*)"|\\(?<escaped>.)|\$(?:\{(?<braced>[^}]*)\}|(?<name>\w+|[?@#*]))|(?<plain>[^\s;'"\\$]+|\$)|(?<odd>.)/gsu;

export function statementsOf(text: string): readonly (readonly GrubWord[])[] {
  const statements: GrubWord[][] = [[]];
  let parts: GrubWord["parts"][number][] | undefined;
  let isQuoted = false;
  const endWord = (): void => {
    const isBlockEnd = parts?.length === 1 && parts[0] === "}" && !isQuoted;
    if (isBlockEnd && (statements.at(-1)?.length ?? 0) > 0) statements.push([]);
    if (parts !== undefined) statements.at(-1)?.push({ parts, isQuoted });
    parts = undefined;
    isQuoted = false;
  };
  const endStatement = (): void => {
    endWord();
    if ((statements.at(-1)?.length ?? 0) > 0) statements.push([]);
  };
  for (const { groups = {} } of text.matchAll(token)) {
    const { blank, comment, end, bare, quoted, escaped, braced, name, plain, odd } = groups;
    if (end !== undefined) endStatement();
    else if (blank !== undefined) endWord();
    else if (comment !== undefined && parts === undefined) continue;
    else {
      parts ??= [];
      isQuoted ||= bare !== undefined || quoted !== undefined;
      const variable = braced ?? name;
      if (variable !== undefined) parts.push({ name: variable });
      else if (quoted !== undefined) parts.push(...quotedParts(quoted));
      else parts.push(bare ?? escaped ?? plain ?? comment ?? odd ?? "");
      if (plain === "{" && parts.length === 1) endStatement();
    }
  }
  endStatement();
  return statements;
}

function quotedParts(text: string): GrubWord["parts"][number][] {
  const pieces =
    /\\(?<escaped>["$\\])|\$(?:\{(?<braced>[^}]*)\}|(?<name>\w+))|(?<plain>[^\\$]+|.)/gsu;
  return Array.from(text.matchAll(pieces), ({ groups = {} }) => {
    const { escaped, braced, name, plain } = groups;
    const variable = braced ?? name;
    return variable === undefined ? (escaped ?? plain ?? "") : { name: variable };
  });
}
