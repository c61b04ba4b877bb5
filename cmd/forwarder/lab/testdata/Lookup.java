// What stub.c is for a program in C, with what the JVM keeps.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.UnknownHostException;

class Lookup {
	public static void main(String[] args) throws IOException {
		var names = new BufferedReader(new InputStreamReader(System.in));
		for (String name; (name = names.readLine()) != null; ) {
			System.out.println(address(name));
		}
	}

	static String address(String name) {
		try {
			return InetAddress.getByName(name).getHostAddress();
		} catch (UnknownHostException e) {
			return "- " + e.getMessage();
		}
	}
}
