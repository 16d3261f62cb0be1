// The script for bash: 3.2 and newer, without the package bash-completion. Starts nothing but what bash itself has.
import type { CompletedOption, Place, Slot, Vocabulary } from "./vocabulary.ts";

export function bashScript({ places, commands, everywhere, valued }: Vocabulary): string {
  return `# Completion of llxprt-auth for bash, printed by \`llxprt-auth completion bash\`.
_llxprt_auth() {
  local IFS=$' \\t\\n' current="\${COMP_WORDS[COMP_CWORD]}" place=start slot=0 option='' rest=0 word i words='' kind=''
  local everywhere='${everywhere.map(({ name }) => name).join(" ")}'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if ((rest)); then continue; fi
    # bash takes --option=value apart.
    if [[ $word == = ]]; then continue; fi
    if [[ -n $option && $word != -* ]]; then option=''; continue; fi
    option=''
    case "$word" in
      --) rest=$i ;;
      ${valued.join("|")}) option="$word" ;;
      -*) ;;
      *)
        case "$place" in
          start)
            case "$word" in
              auth|/auth) ;;
              ${commands.join("|")}) place="$word" ;;
              *) place=provider ;;
            esac ;;
          provider) place="provider $word" ;;
          *) slot=$((slot + 1)) ;;
        esac ;;
    esac
  done
  if [[ $current == = ]]; then current=''; fi
  if ((rest)); then
    case "$place" in
      ${places.flatMap(({ name, isCarrier }) => (isCarrier ? [`'${name}'`] : [])).join("|")})
        if ((COMP_CWORD == rest + 1)); then kind=program; else kind=file; fi ;;
    esac
  elif [[ -n $option && $current != -* ]]; then
    case "$place $option" in
${places.flatMap(({ name, options }) => valuesOf(`'${name} `, options)).join("\n")}
${valuesOf("*' ", everywhere).join("\n")}
    esac
  elif [[ $current == -* ]]; then
    case "$place" in
${places.flatMap(optionsOf).join("\n")}
      *) words="$everywhere" ;;
    esac
  else
    case "$place:$slot" in
${places.flatMap(({ name, slots }) => slots.flatMap((slot, index) => caseOf(`'${name}:${index}'`, slot))).join("\n")}
    esac
  fi
  case "$kind" in
    file) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$current")) ;;
    program) COMPREPLY=($(compgen -c -- "$current")) ;;
    folder) compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -F _llxprt_auth llxprt-auth
`;
}

function optionsOf({ name, options }: Place): string[] {
  return options.length === 0
    ? []
    : [`      '${name}') words="${options.map((option) => option.name).join(" ")} $everywhere" ;;`];
}

function valuesOf(prefix: string, options: readonly CompletedOption[]): string[] {
  return options.flatMap(({ name, value }) => (value === null ? [] : caseOf(`${prefix}${name}'`, value)));
}

function caseOf(pattern: string, slot: Slot): string[] {
  if (slot.kind === "anything") return [];
  const what = slot.kind === "words" ? `words='${slot.words.map(({ word }) => word).join(" ")}'` : `kind=${slot.kind}`;
  return [`      ${pattern}) ${what} ;;`];
}
