// The people who have accounts here. Two, so that a sign-in can turn out to be somebody else's; ids are random for each
// start, so that nothing can depend on them.
import { randomUUID } from "node:crypto";

export interface Person {
  readonly email: string;
  readonly name: string;
  readonly id: string;
  readonly organization: string;
  readonly organizationName: string;
}

export const makePeople = (): readonly [Person, ...Person[]] => [
  person("robin@example.com", "Robin Example", "Example Works"),
  person("sam@example.org", "Sam Sample", "Sample Society"),
];

const person = (email: string, name: string, organizationName: string): Person => ({
  email,
  name,
  id: randomUUID(),
  organization: randomUUID(),
  organizationName,
});
