import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

/** Reads a worker with the JDBC driver for Flight SQL. Arguments: the address, and the token. */
public class FlightJdbc {
  static void check(boolean ok, Object what) {
    if (!ok) throw new AssertionError(String.valueOf(what));
  }

  public static void main(String[] args) throws Exception {
    String url = "jdbc:arrow-flight-sql://" + args[0] + "/?useEncryption=false&database=12345&token=" + args[1];
    try (Connection c = DriverManager.getConnection(url)) {
      try (ResultSet r = c.getMetaData().getTables(null, "main", "wide%", new String[] {"TABLE"})) {
        int n = 0;
        while (r.next()) { n++; check(r.getString("TABLE_CAT").equals("12345"), r.getString("TABLE_CAT")); }
        check(n == 50, n);
      }
      Map<String, String> types = new TreeMap<>();
      try (ResultSet r = c.getMetaData().getColumns(null, "main", "events", "%")) {
        while (r.next()) types.put(r.getString("COLUMN_NAME"), r.getString("TYPE_NAME"));
      }
      check(types.get("event_time").equals("TIMESTAMP"), types);
      try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT count(*) FROM \"12345\".\"main\".\"events\"")) {
        check(r.next() && r.getLong(1) > 0, "count");
      }
      try (PreparedStatement s = c.prepareStatement("SELECT count(*) AS n, CAST(? AS DECIMAL(10,2)) AS d, CAST(? AS BIGINT) AS b, CAST(? AS TIMESTAMP) AS t, CAST(? AS VARCHAR) AS v FROM events WHERE event_name <> ? AND day >= ?")) {
        s.setBigDecimal(1, new BigDecimal("12.34"));
        s.setLong(2, 1L << 40);
        s.setTimestamp(3, Timestamp.valueOf("2026-01-02 03:04:05"));
        s.setString(4, "it's ü");
        s.setString(5, "nothing");
        s.setDate(6, java.sql.Date.valueOf("2025-01-01"));
        try (ResultSet r = s.executeQuery()) {
          check(r.next() && r.getLong(1) > 0 && r.getBigDecimal(2).equals(new BigDecimal("12.34")) && r.getLong(3) == 1L << 40 && r.getString(5).equals("it's ü"), "row " + r.getString(2) + r.getString(4));
        }
      }
      try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT NULL::INTEGER AS n, [1, NULL] AS l, {'a': 1} AS s")) {
        check(r.next() && r.getObject(1) == null && r.getObject(2) != null && r.getObject(3) != null, "nested");
      }
      try (Statement s = c.createStatement()) {
        s.executeUpdate("DELETE FROM events");
        check(false, "it is not refused");
      } catch (SQLException e) {
        check(e.getMessage().contains("read"), e.getMessage());
      }
    }
    try (Connection c = DriverManager.getConnection(url.replaceAll("token=.*", "token=wrong"))) {
      c.createStatement().executeQuery("SELECT 1");
      check(false, "the token is not checked");
    } catch (SQLException e) {
      check(e.getMessage().contains("token"), e.getMessage());
    }
    try (Connection c = DriverManager.getConnection(url.replaceAll("token=.*", "user=me&password=" + args[1]))) {
      try (ResultSet r = c.createStatement().executeQuery("SELECT 42")) { check(r.next() && r.getInt(1) == 42, "user and password"); }
    }
    System.out.println("ok");
  }
}
