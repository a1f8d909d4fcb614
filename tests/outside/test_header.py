"""What --header gives stands in the 101, as it was given, and nowhere else."""

from rawclient import Connection, request
from server import Listener, same_descriptors
from tap import Tap
from ws_test import PATIENCE, ask, parse_response

FIELDS = ["Set-Cookie: a=b; Path=/", "Set-Cookie: c=d", "X-Empty: ",
          "X-Text:  gr\u00fcn\t\"x\" ", "Server: none"]


def accepted(server):
    """The head of the 101, as a Response."""
    with Connection(server.connect()) as connection:
        connection.send(request(server.host))
        connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer,
                              PATIENCE)
        return parse_response(bytes(connection.buffer))


def test_accepted(tap):
    options = [word for field in FIELDS for word in ("--header", field)]
    wanted = [tuple(field.split(": ", 1)) for field in FIELDS]
    wanted = [(name.lower(), value.encode().decode("latin-1"))
              for name, value in wanted]
    for operand in ["echo:", "cat"]:
        with Listener([operand], options) as server:
            response = accepted(server)
            got = [field for field in response.fields
                   if field[0] in dict(wanted)]
            tap.ok(response.status == 101 and got == wanted,
                   operand + ": the fields are in the 101, in their order",
                   response)
            refused, _ = ask(server, b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
                             % server.host.encode())
            tap.ok(refused.status == 426
                   and not refused.values("set-cookie"),
                   operand + ": they are not in a refusal", refused)


def main():
    tap = Tap()
    with same_descriptors():
        test_accepted(tap)
    tap.finish()


if __name__ == "__main__":
    main()
