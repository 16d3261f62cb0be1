// The script for fish: 3.0 and newer. fish takes options apart by itself, so only the place has to be found.
import type { CompletedOption, Slot, Vocabulary } from "./vocabulary.ts";

export function fishScript({ places, commands, everywhere, valued }: Vocabulary): string {
  const lines = places.flatMap(({ name, options, slots }) => [
    ...slots.flatMap((slot, index) => slotLines(placed(`${name}:${index}`), slot)),
    ...options.map((option) => optionLine(option, placed(`${name}:*`))),
  ]);
  return `# Completion of llxprt-auth for fish, printed by \`llxprt-auth completion fish\`.
function __llxprt_auth_place
  set -l place start
  set -l slot 0
  set -l option ''
  set -l tokens (commandline -opc)
  for word in $tokens[2..-1]
    if test -n "$option"; and not string match -q -- '-*' $word
      set option ''
      continue
    end
    set option ''
    switch $word
      case --
        echo "$place --"
        return
      case ${valued.join(" ")}
        set option $word
      case '-*'
      case '*'
        switch $place
          case start
            switch $word
              case auth /auth
              case ${commands.join(" ")}
                set place $word
              case '*'
                set place provider
            end
          case provider
            set place "provider $word"
          case '*'
            set slot (math $slot + 1)
        end
    end
  end
  echo $place:$slot
end
function __llxprt_auth_carried
  set -l tokens (commandline -opc)
  set -l at (contains -i -- -- $tokens)
  set -l words (string escape -- $tokens[(math $at + 1)..-1]) (commandline -ct)
  complete -C "$words"
end
complete -c llxprt-auth -e
complete -c llxprt-auth -f
${places.flatMap(({ name, isCarrier }) => (isCarrier ? [carrierLine(name)] : [])).join("\n")}
${everywhere.map((option) => optionLine(option, null)).join("\n")}
${lines.join("\n")}
`;
}

function carrierLine(name: string): string {
  return `complete -c llxprt-auth -n ${placed(`${name} --`)} -a '(__llxprt_auth_carried)'`;
}

function placed(pattern: string): string {
  return quoted(`__llxprt_auth_place | string match -q -- ${quoted(pattern)}`);
}

function slotLines(condition: string, slot: Slot): string[] {
  const start = `complete -c llxprt-auth -n ${condition}`;
  switch (slot.kind) {
    case "file":
      return [`${start} -F`];
    case "folder":
      return [`${start} -a '(__fish_complete_directories)'`];
    case "program":
      return [`${start} -a '(__fish_complete_command)'`];
    case "words":
      return slot.words.map(({ word, says }) => `${start} -a ${word}${says === "" ? "" : ` -d ${quoted(says)}`}`);
    default:
      return [];
  }
}

function optionLine({ name, says, value }: CompletedOption, condition: string | null): string {
  const when = condition === null ? "" : ` -n ${condition}`;
  return `complete -c llxprt-auth${when} -l ${name.slice(2)}${valueOf(value)} -d ${quoted(says)}`;
}

/** `-x`: a value, and no files for it. */
function valueOf(slot: Slot | null): string {
  if (slot === null) return "";
  switch (slot.kind) {
    case "file":
      return " -r -F";
    case "folder":
      return " -x -a '(__fish_complete_directories)'";
    case "program":
      return " -x -a '(__fish_complete_command)'";
    case "words":
      return ` -x -a '${slot.words.map(({ word }) => word).join(" ")}'`;
    default:
      return " -x";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
