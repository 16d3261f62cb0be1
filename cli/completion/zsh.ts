// The script for zsh: to be sourced after `compinit`, or to lie as `_llxprt-auth` in a folder of `fpath`.
import { shellQuoted } from "../output.ts";
import type { CompletedOption, Place, Slot, Vocabulary, Word } from "./vocabulary.ts";

export function zshScript({ places, commands, everywhere, valued }: Vocabulary): string {
  return `#compdef llxprt-auth
# Completion of llxprt-auth for zsh, printed by \`llxprt-auth completion zsh\`.
_llxprt_auth() {
  local place=start option= given= word kind=
  local -i slot=0 rest=0 i
  local -a list everywhere
  everywhere=(
${everywhere.map((option) => `    ${asWord(option)}`).join("\n")}
  )
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if (( rest )); then continue; fi
    if [[ -n $option && $word != -* ]]; then option=; continue; fi
    option=
    case $word in
      (--) rest=$i ;;
      (${valued.join("|")}) option=$word ;;
      (-*) ;;
      (*)
        case $place in
          (start)
            case $word in
              (auth|/auth) ;;
              (${commands.join("|")}) place=$word ;;
              (*) place=provider ;;
            esac ;;
          (provider) place="provider $word" ;;
          (*) slot+=1 ;;
        esac ;;
    esac
  done
  if [[ $rest == 0 && -z $option && \${words[CURRENT]} == --*=* ]]; then
    option=\${words[CURRENT]%%=*} given=1
    compset -P '*='
  fi
  if (( rest )); then
    case $place in
      (${places.flatMap(({ name, isCarrier }) => (isCarrier ? [`'${name}'`] : [])).join("|")})
        shift $rest words
        (( CURRENT -= rest ))
        _normal ;;
    esac
    return
  elif [[ -n $option && ( -n $given || \${words[CURRENT]} != -* ) ]]; then
    case "$place $option" in
${places.flatMap(({ name, options }) => valuesOf(`'${name} `, options)).join("\n")}
${valuesOf("*' ", everywhere).join("\n")}
    esac
  elif [[ \${words[CURRENT]} == -* ]]; then
    case $place in
${places.flatMap(optionsOf).join("\n")}
    esac
    list+=($everywhere)
    _describe -o option list
    return
  else
    case "$place:$slot" in
${places.flatMap(({ name, slots }) => slots.flatMap((slot, index) => caseOf(`'${name}:${index}'`, slot))).join("\n")}
    esac
  fi
  case $kind in
    (file) _files ;;
    (folder) _files -/ ;;
    (program) _command_names -e ;;
    (*) (( \${#list} )) && _describe word list ;;
  esac
}
if [[ \${funcstack[1]} == _llxprt-auth ]]; then _llxprt_auth "$@"; else compdef _llxprt_auth llxprt-auth; fi
`;
}

/** As `_describe` takes it: the word, a colon, what it is. */
function described({ word, says }: Word): string {
  const text = says === "" ? word : `${word.replaceAll(":", "\\:")}:${says}`;
  return shellQuoted(text);
}

function asWord({ name, says }: CompletedOption): string {
  return described({ word: name, says });
}

function optionsOf({ name, options }: Place): string[] {
  return options.length === 0 ? [] : [`      ('${name}') list=(${options.map(asWord).join(" ")}) ;;`];
}

function valuesOf(prefix: string, options: readonly CompletedOption[]): string[] {
  return options.flatMap(({ name, value }) => (value === null ? [] : caseOf(`${prefix}${name}'`, value)));
}

function caseOf(pattern: string, slot: Slot): string[] {
  if (slot.kind === "anything") return [];
  const what = slot.kind === "words" ? `list=(${slot.words.map(described).join(" ")})` : `kind=${slot.kind}`;
  return [`      (${pattern}) ${what} ;;`];
}
