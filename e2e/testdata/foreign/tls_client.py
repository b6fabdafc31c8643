"""Connects to a worker with TLS. Arguments: the address, the token, and the certificate to trust."""
import sys

import adbc_driver_flightsql.dbapi as flight

address, token, certificate = sys.argv[1:]


def read(scheme, token, trusted):
    options = {"adbc.flight.sql.authorization_header": "Bearer " + token}
    if trusted:
        options["adbc.flight.sql.client_option.tls_root_certs"] = open(certificate).read()
    with flight.connect(scheme + "://" + address, autocommit=True, db_kwargs=options) as con, con.cursor() as cur:
        cur.execute("SELECT count(*) FROM events")
        return cur.fetchone()[0]


assert read("grpc+tls", token, True) > 0
for what, attempt, word in [
    ("a wrong token", ("grpc+tls", "wrong", True), "token"),
    ("no token", ("grpc+tls", "", True), "token"),
    ("a certificate that nobody knows", ("grpc+tls", token, False), "certificate"),
    ("no TLS", ("grpc+tcp", token, False), ""),
]:
    try:
        read(*attempt)
    except flight.Error as err:
        assert word in str(err), (what, err)
    else:
        raise AssertionError(what + " is not refused")
print("ok")
