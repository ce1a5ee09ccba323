"""All operations of atlassian-python-api's Crowd client that are about the user
management API, and those of the administration APIs that are about directories,
applications, groups, users and the server. The rest is not the fake's: accounts,
aliases, audit, backup, licences, mail, sessions, appearance, group-level
administrators, tests of connections, plugins and health checks."""

import inspect
import json
import os
import re
from base64 import urlsafe_b64encode
from urllib.parse import quote

from atlassian import Crowd
from requests import HTTPError

ACCESS = json.loads(os.environ["access"])
NAME = "ann+1@x/ä & co"
called = {}


def recorded(operation, name):
    def call(*args, **kwargs):
        called[name] = called.get(name, 0) + 1
        return operation(*args, **kwargs)

    return call


# What an operation's source holds if it is about something that the fake serves.
SERVED = re.compile(
    r"""usermanagement
    | _admin_api_url\(f?"(directory/|group/|groups|users|server-info)
    | _admin_api_url\(f?"application(?!/\{application_id\}/access)
    | "appmanagement",\ f?"application/\{application_id\}/remote_address
    """,
    re.VERBOSE,
)


def operations():
    """Returns the names of the client's operations that the fake serves."""
    helpers = {"_crowd_api_url", "_admin_api_url", "_user_change_status", "__init__"}
    names = {"user_activate", "user_deactivate", "get_applications", "get_application"}
    for name, member in vars(Crowd).items():
        function = member.fget if isinstance(member, property) else member
        if name not in helpers and callable(function) and SERVED.search(inspect.getsource(function)):
            names.add(name)
    return names


class Recorded:
    """A client that remembers which operations were called."""

    def __init__(self, password, name=ACCESS["application"]):
        self._crowd = Crowd(ACCESS["crowd"], name, password)

    def __getattr__(self, name):
        if isinstance(vars(Crowd).get(name), property):
            return recorded(lambda: getattr(self._crowd, name), name)()
        return recorded(getattr(self._crowd, name), name)


crowd = Recorded(ACCESS["password"])
admin = Recorded(ACCESS["admin_password"], ACCESS["admin"])


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def done(got):
    """For answers without a body."""
    equal(got, None)


def refused(status, reason, operation, *args):
    try:
        got = operation(*args)
    except HTTPError as e:
        equal(e.response.status_code, status)
        if reason:
            equal(e.response.json()["reason"], reason)
        return
    raise AssertionError(f"{operation} gives {got!r} instead of status {status}")


def values(answer):
    return {a["name"]: a["values"] for a in answer["attributes"]}


def names(answer):
    return [e["name"] for e in answer.get("users", answer.get("groups"))]


def users():
    ann = crowd.user_create(NAME, True, "Ann", "Lind", "Ann Lind", "ann@example.com", "secret")
    equal((ann["name"], ann["email"], ann["active"]), (NAME, "ann@example.com", True))
    assert ann["key"] and "value" not in ann["password"], ann
    refused(400, "INVALID_USER", crowd.user_create, NAME.upper(), True, "A", "L", "A L", "a@example.com", "x")
    equal(crowd.user(NAME)["key"], ann["key"])
    refused(404, "USER_NOT_FOUND", crowd.user, "nobody")
    done(crowd.user_deactivate(NAME))
    equal(crowd.user(NAME)["active"], False)
    refused(400, "INACTIVE_ACCOUNT", crowd.user_authenticate, NAME, "secret")
    done(crowd.user_activate(NAME))
    equal(crowd.user(NAME)["active"], True)
    done(crowd.user_update(NAME, {**crowd.user(NAME), "last-name": "Berg"}))
    equal([crowd.user(NAME)[k] for k in ("first-name", "last-name")], ["Ann", "Berg"])
    renamed = crowd.user_rename(NAME, "ann")
    equal((renamed["name"], renamed["key"]), ("ann", ann["key"]))
    refused(404, "USER_NOT_FOUND", crowd.user, NAME)
    equal(crowd.user_create("bob", True, "Bob", "Lind", "Bob Lind", "bob@example.com", "secret")["name"], "bob")


def passwords():
    done(crowd.user_update_password("ann", "better"))
    equal(crowd.user_authenticate("ann", "better")["name"], "ann")
    refused(400, "INVALID_USER_AUTHENTICATION", crowd.user_authenticate, "ann", "secret")
    done(crowd.user_authentication_notify("ann"))
    done(crowd.user_request_password_reset("ann"))
    done(crowd.user_request_usernames_reminder("ann@example.com"))
    done(crowd.user_delete_password("bob"))
    refused(400, "INVALID_USER_AUTHENTICATION", crowd.user_authenticate, "bob", "secret")
    refused(400, "ILLEGAL_ARGUMENT", crowd.user_expire_all_passwords, False)
    done(crowd.user_expire_all_passwords())
    refused(400, "EXPIRED_CREDENTIAL", crowd.user_authenticate, "ann", "better")
    done(crowd.user_update_password("ann", "best"))
    # The fake has no pictures.
    refused(404, None, crowd.user_avatar, "ann", 48)


def groups():
    for name in ("g1", "g2", "g3"):
        equal(crowd.group_create(name, "one of three")["name"], name)
    equal(crowd.group_create("plain")["active"], True)
    refused(400, "INVALID_GROUP", crowd.group_create, "G1")
    equal(crowd.group("g1")["description"], "one of three")
    updated = crowd.group_update("g1", {"name": "g1", "type": "GROUP", "description": "first", "active": True})
    equal(updated["description"], "first")
    refused(400, "INVALID_GROUP", crowd.group_update, "g1", {"name": "g2", "type": "GROUP"})
    done(crowd.group_delete("plain"))
    refused(404, "GROUP_NOT_FOUND", crowd.group, "plain")


def attributes():
    """The client stores attributes with PUT, which Crowd does not know here:
    other clients, tested against a Crowd, send POST."""
    team = {"attributes": [{"name": "team", "values": ["red", "blue"]}]}
    refused(405, None, crowd.user_store_attributes, "ann", team)
    refused(405, None, crowd.group_store_attributes, "g1", team)
    for kind, read, remove, name in (
        ("user", crowd.user_attributes, crowd.user_remove_attribute, "ann"),
        ("group", crowd.group_attributes, crowd.group_remove_attribute, "g1"),
    ):
        done(crowd.post(f"rest/usermanagement/latest/{kind}/attribute", params={f"{kind}name": name}, data=team))
        equal(values(read(name))["team"], ["red", "blue"])
        done(remove(name, "team"))
        equal(values(read(name)).get("team"), None)


def memberships():
    # The client sends the group's name to the resource that takes the user's.
    refused(400, "ILLEGAL_ARGUMENT", crowd.group_add_user, "ann", "g1")
    for group, user in (("g1", "ann"), ("g1", "bob"), ("g2", "bob"), ("g3", "ann")):
        done(crowd.post("rest/usermanagement/latest/group/user/direct", params={"groupname": group}, data={"name": user}))
    equal(crowd.group_members("g1"), ["ann", "bob"])
    equal(crowd.group_members("g1", max_results=1), ["ann"])
    equal(crowd.user_groups("ann"), ["g1", "g3"])
    equal(crowd.is_user_in_group("ann", "g1"), True)
    equal(crowd.is_user_in_group("ann", "g2"), False)
    done(crowd.group_add_child_group("g1", "g2"))
    refused(409, "MEMBERSHIP_ALREADY_EXISTS", crowd.group_add_child_group, "g1", "g2")
    done(crowd.group_add_parent_group("g3", "g2"))
    equal(crowd.group_child_groups("g1"), ["g2"])
    equal(crowd.nested_group_child_groups("g1"), ["g2", "g3"])
    equal(crowd.nested_group_child_groups("g1", start_index=1), ["g3"])
    equal(crowd.group_parent_groups("g3"), ["g2"])
    equal(crowd.nested_group_parent_groups("g3"), ["g1", "g2"])
    # Of one named group the client expects a list, where Crowd shows the group.
    equal(crowd.group_child_groups("g1", "g2"), None)
    refused(404, "MEMBERSHIP_NOT_FOUND", crowd.nested_group_parent_groups, "g1", "g3")
    equal(crowd.nested_group_members("g2"), ["ann", "bob"])
    equal(crowd.nested_user_groups("ann"), ["g1", "g2", "g3"])
    equal(crowd.user_groups("ann", kind="nested"), ["g1", "g2", "g3"])
    equal(crowd.is_user_in_group("ann", "g2", kind="nested"), True)
    equal(crowd.memberships, {"g1": ["ann", "bob"], "g2": ["bob"], "g3": ["ann"]})
    done(crowd.group_remove_child_group("g1", "g2"))
    refused(404, "MEMBERSHIP_NOT_FOUND", crowd.group_remove_child_group, "g1", "g2")
    done(crowd.group_remove_user("bob", "g2"))
    refused(404, "MEMBERSHIP_NOT_FOUND", crowd.group_remove_user, "bob", "g2")


def searches():
    equal(names(crowd.search_cql("user")), ["ann", "bob"])
    equal(names(crowd.search_cql("user", 'lastName = "Li*" and active = true')), ["bob"])
    equal(names(crowd.search_cql("group", start_index=1, max_results=1)), ["g2"])
    refused(400, "ILLEGAL_ARGUMENT", crowd.search_cql, "user", "name =")
    email = {
        "restriction-type": "property-search-restriction",
        "property": {"name": "email", "type": "STRING"},
        "match-mode": "CONTAINS",
        "value": "BOB@",
    }
    equal(names(crowd.search("user", email)), ["bob"])
    # Without a restriction the client sends an empty object, which says of no
    # kind that it is one.
    refused(400, "ILLEGAL_ARGUMENT", crowd.search, "user")


def sessions():
    session = crowd.session_create("ann", "best", duration=60)
    equal(session["expiry-date"] - session["created-date"], 60000)
    token = quote(session["token"], safe="")
    equal(crowd.session_create("ann", "best")["token"], session["token"])
    equal(crowd.session_get(token)["user"]["name"], "ann")
    equal(crowd.session_validate(token)["token"], session["token"])
    refused(404, "INVALID_SSO_TOKEN", crowd.session_validate, token,
            {"validationFactors": [{"name": "remote_address", "value": "192.0.2.1"}]})
    equal(crowd.session_create("ann", None, validate_password=False)["token"], session["token"])
    refused(400, "INVALID_USER_AUTHENTICATION", crowd.session_create, "ann", "wrong")
    done(crowd.session_delete_user_tokens("ann", exclude=session["token"]))
    equal(crowd.session_get(token)["token"], session["token"])
    done(crowd.session_delete_user_tokens("ann"))
    refused(404, "INVALID_SSO_TOKEN", crowd.session_get, token)
    done(crowd.session_delete(quote(crowd.session_create("ann", "best")["token"], safe="")))
    equal(crowd.get_cookie_config()["name"], "crowd.token_key")


def shown(page):
    """Returns the names on the last page of a list."""
    equal(page["isLastPage"], True)
    return [e.get("displayName") or e.get("username") or e["name"] for e in page["values"]]


def administration():
    equal(admin.get_server_info()["baseUrl"], ACCESS["crowd"])
    refused(401, None, crowd.get_server_info)
    equal(shown(admin.get_managed_directories()), ["Crowd", "Administrators"])
    equal(shown(admin.get_detailed_directories(search="admin", active=True)), ["Administrators"])
    page = admin.get_managed_directories(limit=1)
    equal((page["size"], page["isLastPage"]), (1, False))
    first = page["values"][0]["id"]
    second = admin.get_managed_directories(start=1)["values"][0]["id"]
    equal(admin.get_detailed_directory(first)["directoryType"], "INTERNAL")
    refused(400, None, admin.synchronize_directory, first)

    application = admin.get_admin_applications(name=ACCESS["application"])["values"][0]
    number = application["id"]
    equal(admin.get_admin_application(number), application)
    equal(admin.update_admin_application(number, {**application, "description": "of the bridge"})["description"], "of the bridge")
    listed = admin.get_applications(name=ACCESS["application"])["applications"]
    equal([a["ApplicationEntity"]["id"] for a in listed], [number])
    equal(admin.get_application(number)["name"], ACCESS["application"])
    for address in ("127.0.0.1", "192.0.2.1"):
        done(admin.add_remote_address(number, address))
    done(admin.remove_remote_address(number, "192.0.2.1"))
    equal(admin.get_remote_addresses(number), {"remoteAddresses": [{"value": "127.0.0.1"}]})

    equal(admin.add_directory_mapping(number, {"id": second})["directory"]["displayName"], "Administrators")
    done(admin.move_directory_mapping(number, second, {"position": 0}))
    mappings = admin.get_directory_mappings(number)["values"]
    equal([m["directory"]["id"] for m in mappings], [second, first])
    mapping = admin.get_directory_mapping(number, second)
    mapping["allowedOperations"].remove("CREATE_USER")
    equal(admin.update_directory_mapping(number, second, mapping), mapping)
    done(admin.delete_directory_mapping(number, second))
    refused(404, None, admin.get_directory_mapping, number, second)

    def entity(name):
        return f"{first}-" + urlsafe_b64encode(name.encode()).decode().rstrip("=")

    equal(shown(admin.search_directory_groups(first, "g", active=True)), ["g1", "g2", "g3"])
    equal(admin.get_admin_group_details(entity("g1"))["name"], "g1")
    equal([g["name"] for g in admin.search_administered_groups({"search": "g2"})["values"]], ["g2"])
    done_batch(admin.add_users_to_admin_group(entity("g2"), {"usernames": ["ann", "nobody"]}), ["ann"], ["nobody"])
    equal([u["username"] for u in admin.get_admin_group_members(entity("g2"))["values"]], ["ann"])
    equal([u["username"] for u in admin.search_admin_group_user_suggestions(entity("g2"), "lind")["values"]], ["bob"])
    done_batch(admin.remove_users_from_admin_group(entity("g2"), {"usernames": ["ann"]}), ["ann"], [])
    done_batch(admin.add_user_to_admin_group(entity("bob"), {"groupNames": ["g2", "g3"]}), ["g2", "g3"], [])
    done_batch(admin.remove_user_from_admin_group(entity("bob"), {"groupNames": ["g2", "g3"]}), ["g2", "g3"], [])
    done_batch(admin.add_admin_group_nested_groups(entity("g1"), {"groupNames": ["g3"]}), ["g3"], [])
    equal(shown(admin.get_admin_group_nested_groups(entity("g1"))), ["g3"])
    done(crowd.group_remove_child_group("g1", "g3"))
    users = admin.search_admin_users({"search": "bob@", "directoryIds": [first]})["values"]
    equal([(u["username"], u["directory"]["id"]) for u in users], [("bob", first)])


def done_batch(answer, successes, failures):
    equal((answer["successes"], [f["name"] for f in answer["failures"]]), (successes, failures))


def end():
    done(crowd.user_delete("ann"))
    refused(404, "USER_NOT_FOUND", crowd.user, "ann")
    equal(crowd.memberships, {"g1": ["bob"], "g2": [], "g3": []})
    refused(401, None, Recorded("wrong").get_cookie_config)


for part in (users, passwords, groups, attributes, memberships, searches, sessions, administration, end):
    part()
missing = operations() - called.keys()
assert not missing, f"never called: {sorted(missing)}"
print(f"atlassian-python-api: {len(operations())} operations, {sum(called.values())} calls, all as expected")
