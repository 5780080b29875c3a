/**
 * Delegated permissions of Microsoft Graph, spelled as registered, each with those that include it:
 * https://learn.microsoft.com/graph/permissions-reference. Not all of them: others are taken as they are asked for.
 */
const INCLUDED_IN: Readonly<Record<string, readonly string[]>> = {
  "User.Read": [
    "User.ReadWrite",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
  ],
  "User.ReadWrite": ["User.ReadWrite.All", "Directory.ReadWrite.All"],
  "User.ReadBasic.All": ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "User.Read.All": ["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "User.ReadWrite.All": ["Directory.ReadWrite.All"],
  "ProfilePhoto.Read.All": ["ProfilePhoto.ReadWrite.All"],
  "ProfilePhoto.ReadWrite.All": [],
  "Group.Read.All": ["Group.ReadWrite.All"],
  "Group.ReadWrite.All": [],
  "GroupMember.Read.All": ["GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"],
  "GroupMember.ReadWrite.All": [],
  "Directory.Read.All": ["Directory.ReadWrite.All"],
  "Directory.ReadWrite.All": [],
  "Directory.AccessAsUser.All": [],
  "Files.Read": ["Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"],
  "Files.ReadWrite": ["Files.ReadWrite.All", "Sites.ReadWrite.All"],
  "Files.Read.All": ["Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"],
  "Files.ReadWrite.All": ["Sites.ReadWrite.All"],
  "Sites.Read.All": ["Sites.ReadWrite.All"],
  "Sites.ReadWrite.All": [],
  "Mail.Read": ["Mail.ReadWrite"],
  "Mail.ReadBasic": ["Mail.Read", "Mail.ReadWrite"],
  "Mail.ReadWrite": [],
  "Mail.Send": [],
  "Calendars.Read": ["Calendars.ReadWrite"],
  "Calendars.ReadWrite": [],
  "Contacts.Read": ["Contacts.ReadWrite"],
  "Contacts.ReadWrite": [],
  "People.Read": ["People.Read.All"],
  "People.Read.All": [],
  "Presence.Read": ["Presence.ReadWrite", "Presence.Read.All"],
  "Presence.ReadWrite": [],
  "Presence.Read.All": [],
  "Tasks.Read": ["Tasks.ReadWrite"],
  "Tasks.ReadWrite": [],
  "Notes.Read": ["Notes.ReadWrite", "Notes.Read.All", "Notes.ReadWrite.All"],
  "Notes.ReadWrite": ["Notes.ReadWrite.All"],
  "Notes.Read.All": ["Notes.ReadWrite.All"],
  "Notes.ReadWrite.All": [],
  "Chat.Read": ["Chat.ReadWrite"],
  "Chat.ReadWrite": [],
  "Team.ReadBasic.All": [],
  "Channel.ReadBasic.All": [],
  "OnlineMeetings.Read": ["OnlineMeetings.ReadWrite"],
  "OnlineMeetings.ReadWrite": [],
  "MailboxSettings.Read": ["MailboxSettings.ReadWrite"],
  "MailboxSettings.ReadWrite": [],
  "Application.Read.All": ["Application.ReadWrite.All"],
  "Application.ReadWrite.All": [],
  "AuditLog.Read.All": [],
};

const SPELLINGS = new Map(Object.keys(INCLUDED_IN).map((name) => [name.toLowerCase(), name]));

/** Returns a permission as Graph registers it, `User.Read` for `user.read`; unchanged when it is not in the list. */
export function spelledPermission(name: string, registered: readonly string[] = []): string {
  const lower = name.toLowerCase();
  return registered.find((other) => other.toLowerCase() === lower) ?? SPELLINGS.get(lower) ?? name;
}

/** Whether permissions hold one of those that a request needs, or one that includes it. */
export function isPermitted(held: readonly string[], needed: readonly string[]): boolean {
  return needed.some((name) => [name, ...(INCLUDED_IN[name] ?? [])].some((enough) => held.includes(enough)));
}
