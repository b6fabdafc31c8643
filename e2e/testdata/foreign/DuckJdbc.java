import java.sql.*;
import java.util.*;

/** Reads a snapshot with DuckDB's JDBC driver, as DBeaver and Metabase do. Argument: the URL. */
public class DuckJdbc {
  public static void main(String[] args) throws Exception {
    Properties readOnly = new Properties();
    readOnly.setProperty("duckdb.read_only", "true");
    try (Connection c = DriverManager.getConnection(args[0], readOnly); Statement s = c.createStatement()) {
      try (ResultSet r = s.executeQuery("SELECT count(*) FROM events")) {
        if (!r.next() || r.getLong(1) == 0) throw new AssertionError("no events");
      }
      try (ResultSet r = c.getMetaData().getColumns(null, "main", "events", "event_time")) {
        if (!r.next()) throw new AssertionError("no column event_time");
      }
      try {
        s.executeUpdate("DELETE FROM events");
        throw new AssertionError("a write is not refused");
      } catch (SQLException expected) {
      }
    }
    System.out.println("ok");
  }
}
